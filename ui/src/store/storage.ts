// Where conversations are kept: IndexedDB, or memory where the browser refuses it.
// One record per message, so that a streamed answer rewrites only itself.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { type Snippet, findWords } from "../model/search";
import type { Bundle } from "../model/transfer";
import type { Conversation, ConversationId, Message } from "../model/types";

export interface Hit {
  readonly conversation: ConversationId;
  readonly snippet: Snippet;
}

export interface Storage {
  /** False when everything is lost with the tab. */
  readonly lasting: boolean;
  conversations(): Promise<Conversation[]>;
  messages(id: ConversationId): Promise<Message[]>;
  putConversation(conversation: Conversation): Promise<void>;
  putMessage(message: Message): Promise<void>;
  putBundles(bundles: readonly Bundle[]): Promise<void>;
  remove(id: ConversationId): Promise<void>;
  /** At most one hit for each conversation, at most `limit` in all. */
  search(words: readonly string[], limit: number): Promise<Hit[]>;
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

const kName = "quern";
const kVersion = 1;

export async function openStorage(): Promise<Storage> {
  try {
    const database = await openDB<Schema>(kName, kVersion, {
      upgrade(db) {
        db.createObjectStore("conversations", { keyPath: "id" });
        db.createObjectStore("messages", { keyPath: "id" }).createIndex(
          "conversation",
          "conversation",
        );
      },
      blocking: (_old, _new, event) => (event.target as IDBDatabase).close(),
    });
    return new BrowserStorage(database);
  } catch {
    return new MemoryStorage();
  }
}

class BrowserStorage implements Storage {
  readonly lasting = true;

  constructor(private readonly db: IDBPDatabase<Schema>) {}

  conversations(): Promise<Conversation[]> {
    return this.db.getAll("conversations");
  }

  messages(id: ConversationId): Promise<Message[]> {
    return this.db.getAllFromIndex("messages", "conversation", id);
  }

  async putConversation(conversation: Conversation): Promise<void> {
    await this.db.put("conversations", conversation);
  }

  async putMessage(message: Message): Promise<void> {
    await this.db.put("messages", message);
  }

  async putBundles(bundles: readonly Bundle[]): Promise<void> {
    const change = this.db.transaction(["conversations", "messages"], "readwrite");
    const writes: Promise<unknown>[] = [];
    for (const { conversation, messages } of bundles) {
      writes.push(change.objectStore("conversations").put(conversation));
      for (const message of messages) writes.push(change.objectStore("messages").put(message));
    }
    await Promise.all([...writes, change.done]);
  }

  async remove(id: ConversationId): Promise<void> {
    const change = this.db.transaction(["conversations", "messages"], "readwrite");
    const messages = change.objectStore("messages");
    const keys = await messages.index("conversation").getAllKeys(id);
    const writes = keys.map((key) => messages.delete(key));
    await Promise.all([...writes, change.objectStore("conversations").delete(id), change.done]);
  }

  async search(words: readonly string[], limit: number): Promise<Hit[]> {
    const hits = new Map<ConversationId, Hit>();
    let cursor = await this.db.transaction("messages").store.openCursor();
    while (cursor && hits.size < limit) {
      addHit(hits, cursor.value, words);
      cursor = await cursor.continue();
    }
    return [...hits.values()];
  }
}

export class MemoryStorage implements Storage {
  readonly lasting = false;
  private readonly heads = new Map<ConversationId, Conversation>();
  private readonly bodies = new Map<string, Message>();

  async conversations(): Promise<Conversation[]> {
    return [...this.heads.values()];
  }

  async messages(id: ConversationId): Promise<Message[]> {
    return [...this.bodies.values()].filter((message) => message.conversation === id);
  }

  async putConversation(conversation: Conversation): Promise<void> {
    this.heads.set(conversation.id, conversation);
  }

  async putMessage(message: Message): Promise<void> {
    this.bodies.set(message.id, message);
  }

  async putBundles(bundles: readonly Bundle[]): Promise<void> {
    for (const { conversation, messages } of bundles) {
      this.heads.set(conversation.id, conversation);
      for (const message of messages) this.bodies.set(message.id, message);
    }
  }

  async remove(id: ConversationId): Promise<void> {
    this.heads.delete(id);
    for (const message of await this.messages(id)) this.bodies.delete(message.id);
  }

  async search(words: readonly string[], limit: number): Promise<Hit[]> {
    const hits = new Map<ConversationId, Hit>();
    for (const message of this.bodies.values()) {
      if (hits.size >= limit) break;
      addHit(hits, message, words);
    }
    return [...hits.values()];
  }
}

function addHit(
  hits: Map<ConversationId, Hit>,
  { conversation, text }: Message,
  words: readonly string[],
): void {
  if (hits.has(conversation)) return;
  const snippet = findWords(text, words);
  if (snippet) hits.set(conversation, { conversation, snippet });
}
