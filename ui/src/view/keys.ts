// The keyboard shortcuts of the page; dialogs/keyboard_dialog.tsx lists them for people.

import type { Page } from "../page";
import { focusComposer } from "./focus";

export function listenToKeys(page: Page): () => void {
  const listener = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (handle(page, event)) event.preventDefault();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

/** True when the key was one of the page's own. */
function handle(page: Page, event: KeyboardEvent): boolean {
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && !event.shiftKey && key === "k") {
    page.dialog.value = page.dialog.value === "search" ? null : "search";
    return true;
  }
  if (page.dialog.value !== null) return false;
  if (command && event.shiftKey && key === "o") {
    startNewChat(page);
    return true;
  }
  if (command && key === "b") {
    toggleSidebar(page);
    return true;
  }
  if (event.key === "Escape") return escape(page);
  if (command || event.altKey || isTyping(event.target)) return false;
  if (event.key === "/") {
    focusComposer();
    return true;
  }
  if (event.key === "?") {
    page.dialog.value = "keyboard";
    return true;
  }
  return false;
}

export function startNewChat(page: Page): void {
  page.conversations.startNew();
  page.drawer.value = false;
  focusComposer();
}

export function toggleSidebar(page: Page): void {
  if (isNarrow()) page.drawer.value = !page.drawer.value;
  else page.preferences.sidebar.value = !page.preferences.sidebar.value;
}

export function commandKey(): string {
  return navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";
}

export function isNarrow(): boolean {
  return matchMedia("(max-width: 52rem)").matches;
}

function escape(page: Page): boolean {
  if (page.drawer.value) {
    page.drawer.value = false;
    return true;
  }
  const id = page.conversations.current.value?.id;
  if (id === undefined || !page.answers.running.value.has(id)) return false;
  page.answers.stop(id);
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
