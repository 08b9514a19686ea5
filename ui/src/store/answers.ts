// Asking the model, and what can be done with its answers: stop, try again, go on, edit the question.

import { type Signal, signal } from "@preact/signals";
import type { ChatDelta } from "../api/chat_events";
import { chatRequest, goOnRequest } from "../api/chat_request";
import type { Access } from "../api/client";
import { ApiError } from "../api/failures";
import { newId } from "../model/ids";
import { pathTo } from "../model/tree";
import type { ConversationId, Failure, Message, MessageId } from "../model/types";
import type { Connection } from "./connection";
import type { Conversations } from "./conversations";
import { LiveAnswer } from "./live_answer";
import type { Notices } from "./notices";

export type StreamChat = (body: object, access: Access) => AsyncIterable<ChatDelta>;

/** How often a coming answer is written to storage, so that a closed tab loses little of it. */
const kSaveEveryMs = 1_500;

export class Answers {
  /** The answers that are coming, at most one in each conversation. */
  readonly running: Signal<ReadonlyMap<ConversationId, LiveAnswer>> = signal(new Map());

  constructor(
    private readonly conversations: Conversations,
    private readonly connection: Connection,
    private readonly notices: Notices,
    private readonly apiKey: { readonly value: string },
    private readonly streamChat: StreamChat,
  ) {}

  /** Asks a new question at the end of the conversation on screen. */
  ask(text: string): void {
    const conversation = this.conversations.ensureCurrent(text, Date.now());
    if (this.running.value.has(conversation.id)) return;
    const parent = this.conversations.path.value.at(-1)?.id ?? null;
    this.askBelow(conversation.id, parent, text);
  }

  /** Asks a question in another form, as a new version beside the old one. */
  edit(question: Message, text: string): void {
    if (this.running.value.has(question.conversation)) return;
    this.askBelow(question.conversation, question.parent, text);
  }

  /** Another answer to the same question; the earlier ones stay. */
  answerAgain(answer: Message): void {
    if (this.running.value.has(answer.conversation) || answer.parent === null) return;
    this.answer(answer.conversation, answer.parent);
  }

  /** Has the model continue an answer that was stopped, cut or interrupted. */
  goOn(answer: Message): void {
    if (this.running.value.has(answer.conversation)) return;
    if (answer.text === "") return this.answerAgain(answer);
    const { failure: _, finish: _finish, ...rest } = answer;
    void this.run({ ...rest, state: "streaming" }, "go on");
  }

  stop(id: ConversationId): void {
    this.running.value.get(id)?.stop();
  }

  private askBelow(conversation: ConversationId, parent: MessageId | null, text: string): void {
    const question: Message = {
      id: newId(), conversation, parent, role: "user", text, created: Date.now(), state: "done",
    };
    this.conversations.add(question);
    this.answer(conversation, question.id);
  }

  private answer(conversation: ConversationId, parent: MessageId): void {
    const model = this.connection.effectiveModel(this.conversations.setup.value.model);
    const answer: Message = {
      id: newId(), conversation, parent, role: "assistant", text: "", created: Date.now(),
      state: "streaming", model,
    };
    this.conversations.add(answer);
    void this.run(answer, "from the start");
  }

  private async run(answer: Message, how: "from the start" | "go on"): Promise<void> {
    const live = new LiveAnswer(answer);
    this.setRunning(answer.conversation, live);
    const saving = setInterval(() => void this.conversations.save(live.message()), kSaveEveryMs);
    let failure: Failure | undefined;
    try {
      const body = this.body(answer, how);
      const access = { apiKey: this.apiKey.value, signal: live.signal };
      for await (const delta of this.streamChat(body, access)) live.take(delta);
    } catch (error) {
      failure = live.signal.aborted ? undefined : failureOf(error);
    } finally {
      clearInterval(saving);
    }
    const message = live.finish(failure);
    this.conversations.update(message);
    this.setRunning(answer.conversation, undefined);
    this.report(message);
  }

  private body(answer: Message, how: "from the start" | "go on"): object {
    const setup = this.conversations.setup.value;
    const model = this.connection.effectiveModel(setup.model);
    const tree = this.conversations.tree.value;
    return how === "go on"
      ? goOnRequest(setup, model, pathTo(tree, answer.id))
      : chatRequest(setup, model, pathTo(tree, answer.parent));
  }

  private report({ failure, state, text }: Message): void {
    if (failure) {
      const ofConnection = ["unreachable", "interrupted", "unauthorized"].includes(failure.kind);
      if (ofConnection) this.connection.report(failure.kind);
    } else if (this.connection.state.value !== "ready") {
      void this.connection.refresh();
    }
    this.notices.say(spokenEnd(state, text));
  }

  private setRunning(id: ConversationId, live: LiveAnswer | undefined): void {
    const running = new Map(this.running.value);
    if (live) running.set(id, live);
    else running.delete(id);
    this.running.value = running;
    if (live) this.notices.say("The answer is coming.");
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return error.failure;
  return { kind: "server", detail: error instanceof Error ? error.message : "" };
}

/** A short answer is read out; of a long one only that it is there. */
function spokenEnd(state: Message["state"], text: string): string {
  if (state === "failed") return "The answer failed.";
  if (state === "stopped") return "Stopped.";
  const words = text.split(/\s+/).filter((word) => word !== "").length;
  return text.length <= 300 ? `Answer: ${text}` : `The answer is complete, ${words} words.`;
}
