// An answer while it comes. Chunks are collected as they arrive and shown once per frame.

import { batch, signal } from "@preact/signals";
import type { ChatDelta } from "../api/chat_events";
import type { Failure, Measures, Message, MessageId } from "../model/types";

export type Phase = "waiting" | "thinking" | "answering";

export class LiveAnswer {
  readonly id: MessageId;
  /** What is on screen; at most one frame behind what has arrived. */
  readonly text = signal("");
  readonly reasoning = signal("");
  readonly phase = signal<Phase>("waiting");

  private current: Message;
  private finishReason: string | undefined;
  private measures: Measures | undefined;
  private chunks = 0;
  private firstAt = 0;
  private lastAt = 0;
  private frame = 0;
  private readonly controller = new AbortController();

  constructor(private readonly start: Message) {
    this.id = start.id;
    this.current = start;
    this.text.value = start.text;
    this.reasoning.value = start.reasoning ?? "";
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  stop(): void {
    this.controller.abort();
  }

  /** As it stands now, fit for storage. */
  message(): Message {
    return this.current;
  }

  take(delta: ChatDelta): void {
    if (delta.finish !== undefined) this.finishReason = delta.finish;
    if (delta.measures) this.measures = { ...this.measures, ...delta.measures };
    if (delta.text === "" && delta.reasoning === "") return;
    const now = performance.now();
    if (this.chunks === 0) this.firstAt = now;
    this.lastAt = now;
    this.chunks += 1;
    const reasoning = (this.current.reasoning ?? "") + delta.reasoning;
    this.current = {
      ...this.current,
      text: this.current.text + delta.text,
      ...(reasoning === "" ? {} : { reasoning }),
      ...(delta.model === undefined ? {} : { model: delta.model }),
    };
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.show());
  }

  finish(failure: Failure | undefined): Message {
    cancelAnimationFrame(this.frame);
    this.show();
    const stopped = this.signal.aborted;
    const measures = this.finalMeasures();
    const { failure: _, ...rest } = this.current;
    return {
      ...rest,
      state: failure ? "failed" : stopped ? "stopped" : "done",
      ...(failure ? { failure } : {}),
      ...(this.finishReason && !failure && !stopped ? { finish: this.finishReason } : {}),
      ...(measures ? { measures } : {}),
    };
  }

  private show(): void {
    this.frame = 0;
    const { text, reasoning } = this.current;
    batch(() => {
      this.text.value = text;
      this.reasoning.value = reasoning ?? "";
      if (text !== this.start.text) this.phase.value = "answering";
      else if (reasoning) this.phase.value = "thinking";
    });
  }

  /** What the server measured; the page's own clock where it said nothing of speed. */
  private finalMeasures(): Measures | undefined {
    const measures = this.measures;
    const elapsedMs = this.lastAt - this.firstAt;
    const tokens = measures?.completionTokens ?? 0;
    if (measures?.tokensPerSecond !== undefined || tokens < 2 || elapsedMs <= 0) return measures;
    return { ...measures, tokensPerSecond: ((tokens - 1) * 1000) / elapsedMs };
  }
}
