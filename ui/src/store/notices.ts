// What the page says beside the conversation: short notices on screen, and words for screen readers.

import { signal } from "@preact/signals";
import { newId } from "../model/ids";

export interface Notice {
  readonly id: string;
  readonly text: string;
  readonly tone: "plain" | "problem";
  readonly action?: { readonly label: string; readonly run: () => void };
}

const kStayMs = 8_000;

export class Notices {
  readonly shown = signal<readonly Notice[]>([]);
  /** Read out by screen readers when it changes. */
  readonly spoken = signal("");

  tell(text: string, action?: Notice["action"]): void {
    this.show({ id: newId(), text, tone: "plain", ...(action ? { action } : {}) });
  }

  /** Problems stay until they are dismissed; the same one is not told twice at a time. */
  problem(text: string): void {
    if (this.shown.value.some((notice) => notice.text === text)) return;
    this.show({ id: newId(), text, tone: "problem" });
  }

  dismiss(id: string): void {
    this.shown.value = this.shown.value.filter((notice) => notice.id !== id);
  }

  say(text: string): void {
    // The same words twice in a row would not be read again without a difference.
    this.spoken.value = this.spoken.value === text ? `${text}\u00a0` : text;
  }

  private show(notice: Notice): void {
    this.shown.value = [...this.shown.value.slice(-2), notice];
    if (notice.tone === "plain") setTimeout(() => this.dismiss(notice.id), kStayMs);
  }
}
