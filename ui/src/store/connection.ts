// Is the server there, and which models has it? When it is gone, the page asks again by itself.

import { computed, effect, signal } from "@preact/signals";
import type { Access, ModelInfo } from "../api/client";
import { ApiError } from "../api/failures";
import type { FailureKind } from "../model/types";

export type ConnectionState = "starting" | "ready" | "gone" | "locked" | "failing";

export type ListModels = (access: Access) => Promise<ModelInfo[]>;

const kFirstRetryMs = 2_000;
const kLastRetryMs = 15_000;

export class Connection {
  readonly state = signal<ConnectionState>("starting");
  readonly models = signal<readonly ModelInfo[]>([]);
  readonly defaultModel = computed(() => this.models.value[0]?.id ?? "");

  private retryMs = kFirstRetryMs;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;

  constructor(
    private readonly listModels: ListModels,
    private readonly apiKey: { readonly value: string },
  ) {
    // Also runs at once, and again whenever the key changes.
    effect(() => {
      void this.apiKey.value;
      void this.refresh();
    });
  }

  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    const attempt = (this.attempt += 1);
    try {
      const models = await this.listModels({ apiKey: this.apiKey.value });
      if (attempt !== this.attempt) return;
      this.models.value = models;
      this.state.value = "ready";
      this.retryMs = kFirstRetryMs;
    } catch (error) {
      if (attempt !== this.attempt) return;
      this.report(error instanceof ApiError ? error.failure.kind : "server");
    }
  }

  /** Something else met this failure; what it says of the connection is taken over. */
  report(kind: FailureKind): void {
    if (kind === "unauthorized") {
      this.state.value = "locked";
      return;
    }
    const gone = kind === "unreachable" || kind === "interrupted";
    this.state.value = gone ? "gone" : "failing";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), this.retryMs);
    this.retryMs = Math.min(kLastRetryMs, this.retryMs * 1.6);
  }

  /** The model a conversation will really use: its own if that is here, else the default. */
  effectiveModel(wanted: string): string {
    const here = this.models.value.some((model) => model.id === wanted);
    return here || this.models.value.length === 0 ? wanted : this.defaultModel.value;
  }
}
