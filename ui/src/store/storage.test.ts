// @vitest-environment jsdom
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { searchWords } from "../model/search";
import { type Conversation, type Message, emptySetup } from "../model/types";
import { Conversations } from "./conversations";
import { Notices } from "./notices";
import { Preferences } from "./preferences";
import { MemoryStorage, type Storage, openStorage } from "./storage";

function conversation(id: string, updated = 1): Conversation {
  return { id, title: id, named: false, created: 1, updated, setup: emptySetup, chosen: {} };
}

function message(id: string, of: string, text: string): Message {
  return { id, conversation: of, parent: null, role: "user", text, created: 1, state: "done" };
}

const kKinds: [string, () => Promise<Storage>][] = [
  ["in the browser", openStorage],
  ["in memory", async () => new MemoryStorage()],
];

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  localStorage.clear();
});

describe.each(kKinds)("storage %s", (_, open) => {
  it("keeps conversations and their messages apart", async () => {
    const storage = await open();
    await storage.putConversation(conversation("a"));
    await storage.putBundles([{ conversation: conversation("b"), messages: [message("3", "b", "x")] }]);
    await storage.putMessage(message("1", "a", "old"));
    await storage.putMessage(message("1", "a", "new"));
    expect((await storage.conversations()).map((c) => c.id).sort()).toEqual(["a", "b"]);
    expect((await storage.messages("a")).map((m) => m.text)).toEqual(["new"]);
    await storage.remove("a");
    expect(await storage.messages("a")).toEqual([]);
    expect((await storage.messages("b")).length).toBe(1);
    expect((await storage.conversations()).map((c) => c.id)).toEqual(["b"]);
  });

  it("finds words, one hit for each conversation, within the limit", async () => {
    const storage = await open();
    for (const id of ["a", "b", "c"]) {
      await storage.putMessage(message(`${id}1`, id, `the Mill of ${id}`));
      await storage.putMessage(message(`${id}2`, id, "a mill again"));
    }
    const hits = await storage.search(searchWords("mill"), 2);
    expect(hits.map((hit) => hit.conversation)).toEqual(["a", "b"]);
    expect(hits[0]?.snippet.match).toBe("Mill");
    expect(await storage.search(searchWords("of c"), 9)).toHaveLength(1);
  });
});

it("keeps in memory where the browser refuses, and says so", async () => {
  vi.spyOn(indexedDB, "open").mockImplementation(() => {
    throw new DOMException("closed", "SecurityError");
  });
  expect((await openStorage()).lasting).toBe(false);
});

describe("Conversations", () => {
  it("come back newest first; undo brings back the deleted one with its messages", async () => {
    const storage = await openStorage();
    await storage.putBundles([
      { conversation: conversation("a", 1), messages: [message("1", "a", "x")] },
      { conversation: conversation("b", 2), messages: [] },
    ]);
    const conversations = new Conversations(storage, new Preferences(localStorage), new Notices());
    await conversations.load();
    expect(conversations.all.value.map((c) => c.id)).toEqual(["b", "a"]);
    const bringBack = await conversations.remove("a");
    expect(await storage.messages("a")).toEqual([]);
    await bringBack?.();
    expect(conversations.all.value.map((c) => c.id)).toEqual(["b", "a"]);
    await conversations.open("a");
    expect(conversations.path.value.map((m) => m.text)).toEqual(["x"]);
    expect(await conversations.open("nobody")).toBe(false);
  });

  it("are listed until they are deleted for good", async () => {
    const storage = new MemoryStorage();
    await storage.putBundles([{ conversation: conversation("a"), messages: [] }]);
    const conversations = new Conversations(storage, new Preferences(localStorage), new Notices());
    await conversations.load();
    let release = (): void => undefined;
    vi.spyOn(storage, "remove").mockImplementation(
      () => new Promise((resolve) => (release = resolve)),
    );
    const removed = conversations.remove("a");
    await vi.waitFor(() => expect(storage.remove).toHaveBeenCalled());
    expect(conversations.all.value.length).toBe(1);
    release();
    await removed;
    expect(conversations.all.value.length).toBe(0);
  });

  it("show the conversation asked for last, when loading takes its time", async () => {
    const storage = new MemoryStorage();
    await storage.putBundles([
      { conversation: conversation("a"), messages: [message("1", "a", "slow")] },
      { conversation: conversation("b"), messages: [message("2", "b", "quick")] },
    ]);
    const conversations = new Conversations(storage, new Preferences(localStorage), new Notices());
    await conversations.load();
    const read = storage.messages.bind(storage);
    let release = (): void => undefined;
    vi.spyOn(storage, "messages").mockImplementation(async (id) => {
      if (id === "a") await new Promise<void>((resolve) => (release = resolve));
      return read(id);
    });
    const slow = conversations.open("a");
    await conversations.open("b");
    release();
    await slow;
    expect(conversations.path.value.map((m) => m.text)).toEqual(["quick"]);
  });

  it("tell once that storage failed, and go on", async () => {
    const storage = new MemoryStorage();
    vi.spyOn(storage, "putConversation").mockRejectedValue(new DOMException("", "QuotaExceededError"));
    vi.spyOn(storage, "putMessage").mockRejectedValue(new Error("broken"));
    const notices = new Notices();
    const conversations = new Conversations(storage, new Preferences(localStorage), notices);
    const { id } = conversations.ensureCurrent("question", 1);
    conversations.add(message("1", id, "one"));
    conversations.rename(id, "other");
    await vi.waitFor(() => expect(notices.shown.value).toHaveLength(1));
    expect(notices.shown.value[0]?.text).toMatch(/could not keep/);
    expect(conversations.path.value).toHaveLength(1);
  });
});
