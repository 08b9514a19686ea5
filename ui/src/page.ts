// The parts of the page, made once by main.tsx and handed to every view.

import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { listModels, streamChat } from "./api/client";
import { Answers } from "./store/answers";
import { Connection } from "./store/connection";
import { Conversations } from "./store/conversations";
import { Notices } from "./store/notices";
import { Preferences } from "./store/preferences";
import type { Storage } from "./store/storage";

export type DialogName = "search" | "chat" | "settings" | "key" | "keyboard";

export interface Page {
  readonly preferences: Preferences;
  readonly notices: Notices;
  readonly connection: Connection;
  readonly conversations: Conversations;
  readonly answers: Answers;
  readonly dialog: Signal<DialogName | null>;
  /** The sidebar as a drawer, on narrow screens. */
  readonly drawer: Signal<boolean>;
  /** What was typed and not sent, by conversation ("" = the new chat). */
  readonly drafts: Map<string, string>;
}

export function createPage(storage: Storage): Page {
  const preferences = new Preferences(localStorageOrNothing());
  const notices = new Notices();
  const connection = new Connection(listModels, preferences.apiKey);
  const conversations = new Conversations(storage, preferences, notices);
  const { apiKey } = preferences;
  const answers = new Answers(conversations, connection, notices, apiKey, streamChat);
  const dialog = signal<DialogName | null>(null);
  const drawer = signal(false);
  if (!storage.lasting) {
    notices.problem(
      "This browser does not let the page keep anything: " +
        "your conversations are lost when you close this tab.",
    );
  }
  return {
    preferences, notices, connection, conversations, answers, dialog, drawer, drafts: new Map(),
  };
}

export const PageContext = createContext<Page | undefined>(undefined);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("a view outside of the page");
  return page;
}

/** Merely naming `localStorage` throws where the browser blocks it. */
function localStorageOrNothing(): Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem"> {
  try {
    return window.localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  }
}
