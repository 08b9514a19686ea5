// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ChatDelta } from "../api/chat_events";
import type { Access } from "../api/client";
import { ApiError } from "../api/failures";
import type { FailureKind, Message } from "../model/types";
import { Answers } from "./answers";
import { Connection } from "./connection";
import { Conversations } from "./conversations";
import { Notices } from "./notices";
import { Preferences } from "./preferences";
import { MemoryStorage } from "./storage";

type Step = string | Partial<ChatDelta> | FailureKind[];

/** A server that speaks from a script: texts, deltas, or a failure; "wait" until it is stopped. */
class ScriptedServer {
  readonly bodies: any[] = [];
  readonly scripts: Step[][] = [];

  stream = async function* (this: ScriptedServer, body: object, access: Access) {
    this.bodies.push(body);
    for (const step of this.scripts.shift() ?? []) {
      access.signal?.throwIfAborted();
      if (Array.isArray(step)) throw new ApiError({ kind: step[0]!, detail: "" });
      if (step === "wait") {
        await new Promise((_, reject) => {
          access.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
        });
      } else {
        yield { text: "", reasoning: "", ...(typeof step === "string" ? { text: step } : step) };
      }
    }
  }.bind(this);
}

let server: ScriptedServer;
let conversations: Conversations;
let connection: Connection;
let answers: Answers;
let notices: Notices;
let storage: MemoryStorage;

beforeEach(() => {
  localStorage.clear();
  server = new ScriptedServer();
  storage = new MemoryStorage();
  notices = new Notices();
  const preferences = new Preferences(localStorage);
  conversations = new Conversations(storage, preferences, notices);
  connection = new Connection(async () => [{ id: "m", contextTokens: 0 }], preferences.apiKey);
  answers = new Answers(conversations, connection, notices, preferences.apiKey, server.stream);
});

async function settled(): Promise<void> {
  await vi.waitFor(() => expect(answers.running.value.size).toBe(0));
}

async function asked(text: string, ...script: Step[]): Promise<Message> {
  server.scripts.push(script);
  answers.ask(text);
  await settled();
  return conversations.path.value.at(-1)!;
}

function wire(i: number): string {
  return server.bodies[i].messages.map((m: any) => `${m.role}: ${m.content}`).join(" | ");
}

describe("Answers", () => {
  it("ask with the whole path and keep what comes", async () => {
    const answer = await asked("one", "A", "B", { finish: "stop", measures: { completionTokens: 2 } });
    expect(answer).toMatchObject({ text: "AB", state: "done", finish: "stop" });
    await asked("two", "C");
    expect(wire(1)).toBe("user: one | assistant: AB | user: two");
    expect(await storage.messages(answer.conversation)).toHaveLength(4);
    expect(conversations.all.value[0]?.title).toBe("one");
  });

  it("name a model that the server has", async () => {
    await vi.waitFor(() => expect(connection.state.value).toBe("ready"));
    conversations.configure({ model: "gone", system: "S", sampling: { seed: 1 } });
    await asked("x", "y");
    expect(server.bodies[0]).toMatchObject({ model: "m", seed: 1, stream: true });
    expect(wire(0)).toBe("system: S | user: x");
  });

  it("answer again beside the earlier answer", async () => {
    const first = await asked("one", "A");
    server.scripts.push(["B"]);
    answers.answerAgain(first);
    await settled();
    expect(conversations.path.value.map((m) => m.text)).toEqual(["one", "B"]);
    conversations.choose(first.id);
    expect(conversations.path.value.map((m) => m.text)).toEqual(["one", "A"]);
    expect(wire(1)).toBe("user: one");
  });

  it("branch where a question is edited", async () => {
    await asked("one", "A");
    await asked("two", "B");
    const question = conversations.path.value[2]!;
    server.scripts.push(["C"]);
    answers.edit(question, "three");
    await settled();
    expect(wire(2)).toBe("user: one | assistant: A | user: three");
    expect(conversations.path.value.map((m) => m.text)).toEqual(["one", "A", "three", "C"]);
  });

  it("stop and keep what had come", async () => {
    server.scripts.push(["A", "wait"]);
    answers.ask("one");
    const id = conversations.current.value!.id;
    await vi.waitFor(() => expect(answers.running.value.get(id)?.message().text).toBe("A"));
    answers.stop(id);
    await settled();
    expect(conversations.path.value.at(-1)).toMatchObject({ text: "A", state: "stopped" });
    expect(conversations.path.value.at(-1)?.failure).toBeUndefined();
  });

  it("go on with an interrupted answer in the same message", async () => {
    const broken = await asked("one", "A", ["interrupted"]);
    expect(broken).toMatchObject({ text: "A", state: "failed", failure: { kind: "interrupted" } });
    server.scripts.push(["B"]);
    answers.goOn(broken);
    await settled();
    const whole = conversations.path.value.at(-1)!;
    expect(whole).toMatchObject({ id: broken.id, text: "AB", state: "done" });
    expect(whole.failure).toBeUndefined();
    expect(wire(1)).toMatch(/^user: one \| assistant: A \| user: .*exactly where it stopped/);
  });

  it("do not show the model answers of which nothing came", async () => {
    await asked("one", ["server"]);
    await asked("two", "A");
    expect(wire(1)).toBe("user: one | user: two");
  });

  it("let one answer come at a time in a conversation, and others elsewhere", async () => {
    server.scripts.push(["A", "wait"], ["B"]);
    answers.ask("one");
    const first = conversations.current.value!.id;
    answers.ask("too early");
    expect(server.bodies).toHaveLength(1);
    conversations.startNew();
    answers.ask("elsewhere");
    await vi.waitFor(() => expect(answers.running.value.size).toBe(1));
    answers.stop(first);
    await settled();
    await conversations.open(first);
    expect(conversations.path.value.map((m) => m.text)).toEqual(["one", "A"]);
  });

  it("tell the connection what they met, and screen readers how it ended", async () => {
    await asked("one", ["unreachable"]);
    expect(connection.state.value).toBe("gone");
    expect(notices.spoken.value).toBe("The answer failed.");
    await asked("two", ["unauthorized"]);
    expect(connection.state.value).toBe("locked");
    await asked("three", "Short.");
    expect(notices.spoken.value).toBe("Answer: Short.");
  });

  it("do not bring back a conversation that was deleted meanwhile", async () => {
    server.scripts.push(["A", "wait"]);
    answers.ask("one");
    const id = conversations.current.value!.id;
    answers.stop(id);
    await conversations.remove(id);
    await settled();
    expect(await storage.messages(id)).toEqual([]);
    expect(await storage.conversations()).toEqual([]);
  });
});
