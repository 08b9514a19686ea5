// The list of conversations and the one on screen.

import { type Signal, batch, computed, signal } from "@preact/signals";
import { newId } from "../model/ids";
import { searchWords } from "../model/search";
import { titleOf } from "../model/title";
import { type Bundle } from "../model/transfer";
import {
  type Tree,
  addMessage,
  buildTree,
  chooseVersion,
  emptyTree,
  shownPath,
  updateMessage,
} from "../model/tree";
import type { Conversation, ConversationId, Message, MessageId, Setup } from "../model/types";
import type { Notices } from "./notices";
import type { Preferences } from "./preferences";
import type { Hit, Storage } from "./storage";

const kMaxHits = 50;

export class Conversations {
  readonly all = signal<readonly Conversation[]>([]);
  /** `null` while a new chat waits for its first question. */
  readonly current = signal<Conversation | null>(null);
  readonly tree = signal<Tree>(emptyTree);
  readonly path = computed(() => shownPath(this.tree.value));
  readonly loading = signal(true);
  /** The setup of the chat on screen, new ones included. */
  readonly setup = computed(() => this.current.value?.setup ?? this.fresh.value);

  private readonly fresh: Signal<Setup>;
  /** Set by other_tabs.ts: called when something was stored that another tab may show. */
  onStored: (id: ConversationId) => void = () => undefined;

  private opening = 0;
  private toldOfStorage = false;

  constructor(
    readonly storage: Storage,
    private readonly preferences: Preferences,
    private readonly notices: Notices,
  ) {
    this.fresh = signal(preferences.setup.value);
  }

  async load(): Promise<void> {
    const all = await this.keep(this.storage.conversations());
    if (all) this.all.value = newestFirst(all);
    this.loading.value = false;
  }

  /** Another tab stored something: the list and, unless `busy`, the conversation on screen follow. */
  async reload(id: ConversationId, busy: boolean): Promise<void> {
    const all = await this.keep(this.storage.conversations());
    if (!all) return;
    this.all.value = newestFirst(all);
    const current = this.current.value;
    if (current?.id !== id || busy) return;
    const changed = all.find((other) => other.id === id);
    if (!changed) return this.startNew();
    const messages = (await this.keep(this.storage.messages(id))) ?? [];
    if (this.current.value?.id !== id) return;
    batch(() => {
      this.current.value = changed;
      this.tree.value = buildTree(messages, changed.chosen);
    });
  }

  startNew(): void {
    this.opening += 1;
    batch(() => {
      this.current.value = null;
      this.tree.value = emptyTree;
      this.fresh.value = this.preferences.setup.value;
    });
  }

  /** Shows a conversation; false when there is none of this id. */
  async open(id: ConversationId): Promise<boolean> {
    const conversation = this.all.value.find((other) => other.id === id);
    if (!conversation) return false;
    if (this.current.value?.id === id) return true;
    const opening = (this.opening += 1);
    const messages = (await this.keep(this.storage.messages(id))) ?? [];
    if (opening !== this.opening) return true;
    batch(() => {
      this.current.value = this.all.value.find((other) => other.id === id) ?? conversation;
      this.tree.value = buildTree(messages, conversation.chosen);
    });
    return true;
  }

  /** The conversation on screen; a new chat becomes one, named by its first question. */
  ensureCurrent(question: string, now: number): Conversation {
    if (this.current.value) return this.current.value;
    const conversation: Conversation = {
      id: newId(),
      title: titleOf(question),
      named: false,
      created: now,
      updated: now,
      setup: this.fresh.value,
      chosen: {},
    };
    this.opening += 1;
    batch(() => {
      this.current.value = conversation;
      this.all.value = [conversation, ...this.all.value];
    });
    return conversation;
  }

  add(message: Message): void {
    if (this.current.value?.id !== message.conversation) return;
    this.tree.value = addMessage(this.tree.value, message);
    void this.change(message.conversation, {
      chosen: this.tree.value.chosen,
      updated: message.created,
    });
    void this.save(message);
  }

  /** Also for conversations that are not on screen: an answer may still come there. */
  update(message: Message): void {
    if (this.current.value?.id === message.conversation) {
      this.tree.value = updateMessage(this.tree.value, message);
    }
    void this.save(message).then(() => this.onStored(message.conversation));
  }

  async save(message: Message): Promise<void> {
    if (this.all.value.some((conversation) => conversation.id === message.conversation)) {
      await this.keep(this.storage.putMessage(message));
    }
  }

  choose(id: MessageId): void {
    const current = this.current.value;
    if (!current) return;
    this.tree.value = chooseVersion(this.tree.value, id);
    void this.change(current.id, { chosen: this.tree.value.chosen });
  }

  rename(id: ConversationId, title: string): void {
    const trimmed = title.trim().slice(0, 200);
    if (trimmed === "") return;
    void this.change(id, { title: trimmed, named: true }).then(() => this.onStored(id));
  }

  configure(setup: Setup): void {
    const current = this.current.value;
    if (current) void this.change(current.id, { setup });
    else this.fresh.value = setup;
  }

  /** Removes a conversation; the returned function brings it back. */
  async remove(id: ConversationId): Promise<(() => Promise<void>) | undefined> {
    const conversation = this.all.value.find((other) => other.id === id);
    const messages = await this.keep(this.storage.messages(id));
    if (!conversation || !messages) return undefined;
    if (this.current.value?.id === id) this.startNew();
    // Gone from the list when it is gone for good: a reload in between would bring it back.
    await this.keep(this.storage.remove(id));
    this.all.value = this.all.value.filter((other) => other.id !== id);
    this.onStored(id);
    return () => this.insert([{ conversation, messages }]);
  }

  async insert(bundles: readonly Bundle[]): Promise<void> {
    const added = bundles.map((bundle) => bundle.conversation);
    await this.keep(this.storage.putBundles(bundles));
    this.all.value = newestFirst([...this.all.value, ...added]);
    added.forEach(({ id }) => this.onStored(id));
  }

  async bundles(ids: readonly ConversationId[]): Promise<Bundle[]> {
    const wanted = this.all.value.filter((conversation) => ids.includes(conversation.id));
    const bundles: Bundle[] = [];
    for (const conversation of wanted) {
      bundles.push({ conversation, messages: await this.storage.messages(conversation.id) });
    }
    return bundles;
  }

  async search(query: string): Promise<Hit[]> {
    const words = searchWords(query);
    if (words.length === 0) return [];
    return (await this.keep(this.storage.search(words, kMaxHits))) ?? [];
  }

  private async change(id: ConversationId, change: Partial<Conversation>): Promise<void> {
    const old = this.all.value.find((conversation) => conversation.id === id);
    if (!old) return;
    const changed = { ...old, ...change };
    batch(() => {
      this.all.value = newestFirst(this.all.value.map((other) => (other === old ? changed : other)));
      if (this.current.value?.id === id) this.current.value = changed;
    });
    await this.keep(this.storage.putConversation(changed));
  }

  /** Storage may fail at any time (full disk, private mode): told once, and the chat goes on. */
  private async keep<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (!this.toldOfStorage) {
        this.toldOfStorage = true;
        const full = error instanceof DOMException && error.name === "QuotaExceededError";
        const reason = full ? "its storage is full" : "its storage failed";
        this.notices.problem(
          `The browser could not keep your conversations: ${reason}. ` +
            "What is on screen stays until you close the tab.",
        );
      }
      return undefined;
    }
  }
}

function newestFirst(conversations: readonly Conversation[]): Conversation[] {
  return [...conversations].sort((a, b) => b.updated - a.updated);
}
