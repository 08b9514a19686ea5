// What the person chose for this browser. Kept in local storage; where that is closed, in memory.

import { type Signal, effect, signal } from "@preact/signals";
import { readSampling } from "../model/sampling";
import { type Setup, emptySetup } from "../model/types";

export type Theme = "auto" | "light" | "dark";

/** The part of `localStorage` that is used. */
export type KeyValue = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem">;

const kPreferences = "quern.preferences";
const kApiKey = "quern.api-key";

export class Preferences {
  readonly theme: Signal<Theme>;
  /** What a new chat starts with. */
  readonly setup: Signal<Setup>;
  readonly sidebar: Signal<boolean>;
  readonly apiKey: Signal<string>;

  constructor(private readonly store: KeyValue) {
    const saved = this.read();
    this.theme = signal(saved["theme"] === "light" || saved["theme"] === "dark" ? saved["theme"] : "auto");
    this.setup = signal(readSetup(saved["setup"]));
    this.sidebar = signal(saved["sidebar"] !== false);
    this.apiKey = signal(this.get(kApiKey));
    effect(() => this.save());
    effect(() => this.set(kApiKey, this.apiKey.value));
  }

  private read(): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(this.get(kPreferences) || "{}");
      return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
      return {};
    }
  }

  private save(): void {
    const theme = this.theme.value;
    const setup = this.setup.value;
    const sidebar = this.sidebar.value;
    this.set(kPreferences, JSON.stringify({ theme, setup, sidebar }));
  }

  private get(name: string): string {
    try {
      return this.store.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  private set(name: string, value: string): void {
    try {
      if (value === "") this.store.removeItem(name);
      else this.store.setItem(name, value);
    } catch {
      // Storage is full or closed: the choice lasts as long as the tab.
    }
  }
}

function readSetup(value: unknown): Setup {
  if (typeof value !== "object" || value === null) return emptySetup;
  const { model, system, sampling } = value as Record<string, unknown>;
  return {
    model: typeof model === "string" ? model : "",
    system: typeof system === "string" ? system : "",
    sampling: readSampling(sampling),
  };
}
