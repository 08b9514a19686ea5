// Conversations as a file: `{"format": "quern-conversations", "version": 1, "conversations": [...]}`.
// A file to import is foreign: every field is checked, limits hold, ids are given anew.

import { newId } from "./ids";
import { readSampling } from "./sampling";
import type { Conversation, Measures, Message, MessageState } from "./types";

export interface Bundle {
  readonly conversation: Conversation;
  readonly messages: readonly Message[];
}

export type ImportResult =
  | { readonly ok: true; readonly bundles: Bundle[] }
  | { readonly ok: false; readonly problem: string };

const kFormat = "quern-conversations";
const kVersion = 1;
export const kMaxImportBytes = 64 * 1024 * 1024;
const kMaxConversations = 10_000;
const kMaxMessages = 20_000;
const kMaxTextChars = 2_000_000;
const kMaxTitleChars = 200;

export function exportBundles(bundles: readonly Bundle[], now: number): string {
  const conversations = bundles.map(({ conversation, messages }) => ({
    ...conversation,
    messages: messages.map(({ conversation: _, ...message }) => message),
  }));
  const file = { format: kFormat, version: kVersion, exported: new Date(now).toISOString() };
  return JSON.stringify({ ...file, conversations }, null, 1);
}

export function importBundles(text: string): ImportResult {
  try {
    const file = record(parse(text), "The file");
    if (file["format"] !== kFormat) throw new Problem("This is not a file of Quern conversations.");
    if (file["version"] !== kVersion) {
      throw new Problem("This file was written by a newer Quern than this one.");
    }
    const list = array(file["conversations"], "conversations", kMaxConversations);
    return { ok: true, bundles: list.map((entry, i) => readBundle(entry, `Conversation ${i + 1}`)) };
  } catch (error) {
    if (error instanceof Problem) return { ok: false, problem: error.message };
    throw error;
  }
}

class Problem extends Error {}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("The file is not JSON, or it is not complete.");
  }
}

function readBundle(value: unknown, where: string): Bundle {
  const entry = record(value, where);
  const id = newId();
  const list = array(entry["messages"], `${where}: messages`, kMaxMessages);
  const raw = list.map((message, i) => record(message, `${where}, message ${i + 1}`));
  const newIds = new Map<string, string>();
  raw.forEach((message, i) => {
    const old = string(message["id"], `${where}, message ${i + 1}: id`, kMaxTitleChars);
    if (newIds.has(old)) throw new Problem(`${where}: two messages have the id "${old}".`);
    newIds.set(old, newId());
  });
  const messages = raw.map((m, i) => readMessage(m, id, newIds, `${where}, message ${i + 1}`));
  refuseCircles(messages, where);
  const setup = record(entry["setup"] ?? {}, `${where}: setup`);
  const created = time(entry["created"], `${where}: created`);
  const conversation: Conversation = {
    id,
    title: string(entry["title"], `${where}: title`, kMaxTitleChars),
    named: entry["named"] === true,
    created,
    updated: time(entry["updated"] ?? created, `${where}: updated`),
    setup: {
      model: string(setup["model"] ?? "", `${where}: model`, kMaxTitleChars),
      system: string(setup["system"] ?? "", `${where}: system`, kMaxTextChars),
      sampling: readSampling(setup["sampling"]),
    },
    chosen: readChosen(entry["chosen"], newIds),
  };
  return { conversation, messages };
}

function readMessage(
  entry: Record<string, unknown>,
  conversation: string,
  newIds: ReadonlyMap<string, string>,
  where: string,
): Message {
  const role = entry["role"];
  if (role !== "user" && role !== "assistant") throw new Problem(`${where}: unknown role.`);
  const parent = entry["parent"] ?? null;
  const newParent = parent === null ? null : newIds.get(String(parent));
  if (newParent === undefined) throw new Problem(`${where}: the message it follows is missing.`);
  const reasoning = string(entry["reasoning"] ?? "", `${where}: reasoning`, kMaxTextChars);
  const model = string(entry["model"] ?? "", `${where}: model`, kMaxTitleChars);
  const finish = string(entry["finish"] ?? "", `${where}: finish`, kMaxTitleChars);
  const measures = readMeasures(entry["measures"]);
  return {
    id: newIds.get(String(entry["id"])) ?? newId(),
    conversation,
    parent: newParent,
    role,
    text: string(entry["text"], `${where}: text`, kMaxTextChars),
    created: time(entry["created"], `${where}: created`),
    state: readState(entry["state"]),
    ...(reasoning === "" ? {} : { reasoning }),
    ...(model === "" ? {} : { model }),
    ...(finish === "" ? {} : { finish }),
    ...(measures ? { measures } : {}),
  };
}

/** An answer that was not whole when it was written down will not become so. */
function readState(value: unknown): MessageState {
  return value === "done" || value === undefined ? "done" : "stopped";
}

function readMeasures(value: unknown): Measures | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const names: (keyof Measures)[] = [
    "promptTokens", "cachedTokens", "completionTokens", "promptMs", "predictedMs", "tokensPerSecond",
  ];
  const entries = names.flatMap((name): [string, number][] => {
    const number = (value as Record<string, unknown>)[name];
    return typeof number === "number" && Number.isFinite(number) && number >= 0
      ? [[name, number]]
      : [];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function readChosen(value: unknown, newIds: ReadonlyMap<string, string>): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const entries = Object.entries(value).flatMap(([parent, child]): [string, string][] => {
    const newParent = parent === "" ? "" : newIds.get(parent);
    const newChild = newIds.get(String(child));
    return newParent !== undefined && newChild !== undefined ? [[newParent, newChild]] : [];
  });
  return Object.fromEntries(entries);
}

function refuseCircles(messages: readonly Message[], where: string): void {
  const parents = new Map(messages.map((message) => [message.id, message.parent]));
  const safe = new Set<string>();
  for (const { id } of messages) {
    const walked = new Set<string>();
    let at: string | null = id;
    while (at !== null && !safe.has(at)) {
      if (walked.has(at)) throw new Problem(`${where}: its messages follow each other in a circle.`);
      walked.add(at);
      at = parents.get(at) ?? null;
    }
    walked.forEach((known) => safe.add(known));
  }
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Problem(`${where} is not an object.`);
  }
  return value as Record<string, unknown>;
}

function array(value: unknown, where: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw new Problem(`${where} is not a list.`);
  if (value.length > limit) throw new Problem(`${where}: more than ${limit} entries.`);
  return value;
}

function string(value: unknown, where: string, limit: number): string {
  if (typeof value !== "string") throw new Problem(`${where} is not a text.`);
  if (value.length > limit) throw new Problem(`${where} is too long.`);
  return value;
}

function time(value: unknown, where: string): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 8.64e15)) {
    throw new Problem(`${where} is not a time.`);
  }
  return value;
}
