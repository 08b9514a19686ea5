// A conversation's messages as a tree, as a value: every change returns a new tree.
//
// Siblings are versions of one turn. `chosen` remembers, for each parent, which version is shown,
// so that going back to an earlier version also brings back what followed it.

import type { Conversation, Message, MessageId } from "./types";

const kRoot = "";

export interface Tree {
  readonly messages: ReadonlyMap<MessageId, Message>;
  readonly children: ReadonlyMap<string, readonly MessageId[]>;
  readonly chosen: Conversation["chosen"];
}

export interface Versions {
  readonly ids: readonly MessageId[];
  /** Position of the asked-for message among them, from 0. */
  readonly index: number;
}

export const emptyTree: Tree = { messages: new Map(), children: new Map(), chosen: {} };

/** Messages whose parent is missing, or that form a circle, are unreachable and never shown. */
export function buildTree(messages: Iterable<Message>, chosen: Conversation["chosen"]): Tree {
  const byId = new Map<MessageId, Message>();
  for (const message of messages) byId.set(message.id, message);
  const ordered = [...byId.values()].sort((a, b) => a.created - b.created || compare(a.id, b.id));
  const children = new Map<string, MessageId[]>();
  for (const message of ordered) {
    const key = message.parent ?? kRoot;
    const siblings = children.get(key);
    if (siblings) siblings.push(message.id);
    else children.set(key, [message.id]);
  }
  return { messages: byId, children, chosen };
}

/** Adds a message as the newest version under its parent and shows it. */
export function addMessage(tree: Tree, message: Message): Tree {
  const key = message.parent ?? kRoot;
  const children = new Map(tree.children);
  children.set(key, [...(tree.children.get(key) ?? []), message.id]);
  return {
    messages: new Map(tree.messages).set(message.id, message),
    children,
    chosen: { ...tree.chosen, [key]: message.id },
  };
}

/** Replaces a message by a new state of itself; its place in the tree stays. */
export function updateMessage(tree: Tree, message: Message): Tree {
  if (!tree.messages.has(message.id)) return tree;
  return { ...tree, messages: new Map(tree.messages).set(message.id, message) };
}

/** Shows this version. What hangs below it is what was shown there last. */
export function chooseVersion(tree: Tree, id: MessageId): Tree {
  const message = tree.messages.get(id);
  if (!message) return tree;
  return { ...tree, chosen: { ...tree.chosen, [message.parent ?? kRoot]: id } };
}

/** The messages on screen, first to last. */
export function shownPath(tree: Tree): Message[] {
  const path: Message[] = [];
  let key: string = kRoot;
  while (path.length <= tree.messages.size) {
    const message = shownChild(tree, key);
    if (!message) break;
    path.push(message);
    key = message.id;
  }
  return path;
}

/** The messages from the first to this one: what the model is shown when it answers below it. */
export function pathTo(tree: Tree, id: MessageId | null): Message[] {
  const path: Message[] = [];
  let message = id === null ? undefined : tree.messages.get(id);
  while (message && path.length < tree.messages.size) {
    path.unshift(message);
    message = message.parent === null ? undefined : tree.messages.get(message.parent);
  }
  return path;
}

export function versionsOf(tree: Tree, id: MessageId): Versions {
  const message = tree.messages.get(id);
  if (!message) return { ids: [id], index: 0 };
  const ids = tree.children.get(message.parent ?? kRoot) ?? [id];
  return { ids, index: Math.max(0, ids.indexOf(id)) };
}

function shownChild(tree: Tree, key: string): Message | undefined {
  const siblings = tree.children.get(key);
  if (!siblings || siblings.length === 0) return undefined;
  const wanted = Object.hasOwn(tree.chosen, key) ? tree.chosen[key] : undefined;
  const id = wanted !== undefined && siblings.includes(wanted) ? wanted : siblings.at(-1);
  return id === undefined ? undefined : tree.messages.get(id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
