import { describe, expect, it } from "vitest";
import { type Bundle, exportBundles, importBundles } from "./transfer";
import { buildTree, shownPath, versionsOf } from "./tree";
import type { Message } from "./types";

const base = { conversation: "c", created: 1, state: "done" as const };

const messages: Message[] = [
  { ...base, id: "q", parent: null, role: "user", text: "question" },
  { ...base, id: "a", parent: "q", role: "assistant", text: "one", created: 2, model: "m" },
  { ...base, id: "b", parent: "q", role: "assistant", text: "two", created: 3, state: "streaming",
    reasoning: "hm", measures: { completionTokens: 3, tokensPerSecond: 9.5 } },
];

const bundle: Bundle = {
  conversation: {
    id: "c", title: "Title", named: true, created: 1, updated: 3, chosen: { q: "a" },
    setup: { model: "m", system: "Be brief.", sampling: { temperature: 0.5, stop: ["\n"] } },
  },
  messages,
};

type Edit = (file: any) => void;

function edited(edit: Edit): string {
  const file = JSON.parse(exportBundles([bundle], 0));
  edit(file);
  return JSON.stringify(file);
}

function problem(text: string): string {
  const result = importBundles(text);
  return result.ok ? "no problem" : result.problem;
}

describe("export and import", () => {
  it("bring back the same conversation under new ids", () => {
    const result = importBundles(exportBundles([bundle], 0));
    if (!result.ok) throw new Error(result.problem);
    const copy = result.bundles[0]!;
    expect(copy.conversation.id).not.toBe("c");
    expect(copy.conversation).toMatchObject({ title: "Title", named: true });
    expect(copy.conversation.setup).toEqual(bundle.conversation.setup);
    const tree = buildTree(copy.messages, copy.conversation.chosen);
    expect(shownPath(tree).map((m) => m.text)).toEqual(["question", "one"]);
    const answers = versionsOf(tree, shownPath(tree)[1]!.id).ids.map((id) => tree.messages.get(id));
    expect(answers[1]).toMatchObject({ text: "two", reasoning: "hm", state: "stopped" });
    expect(answers[1]?.measures).toEqual({ completionTokens: 3, tokensPerSecond: 9.5 });
    expect(copy.messages.every((m) => m.conversation === copy.conversation.id)).toBe(true);
  });

  const refused: [string, Edit, RegExp][] = [
    ["another format", (f) => (f.format = "x"), /not a file of Quern/],
    ["a newer version", (f) => (f.version = 2), /newer/],
    ["no list", (f) => (f.conversations = {}), /not a list/],
    ["too long a list", (f) => (f.conversations = Array(10_001).fill(0)), /more than 10000/],
    ["a conversation that is a list", (f) => (f.conversations[0] = []), /Conversation 1 is not/],
    ["a title that is no text", (f) => (f.conversations[0].title = 7), /title is not a text/],
    ["a title without end", (f) => (f.conversations[0].title = "x".repeat(201)), /too long/],
    ["a time that is none", (f) => (f.conversations[0].created = "now"), /not a time/],
    ["a time out of range", (f) => (f.conversations[0].updated = 1e300), /not a time/],
    ["an unknown role", (f) => (f.conversations[0].messages[0].role = "tool"), /unknown role/],
    ["a missing parent", (f) => (f.conversations[0].messages[1].parent = "zz"), /follows is missing/],
    ["one id twice", (f) => (f.conversations[0].messages[1].id = "q"), /two messages have the id/],
    ["a circle", (f) => (f.conversations[0].messages[0].parent = "a"), /circle/],
    ["its own parent", (f) => (f.conversations[0].messages[0].parent = "q"), /circle/],
    ["a text that is none", (f) => (f.conversations[0].messages[0].text = null), /not a text/],
    ["a setup that is none", (f) => (f.conversations[0].setup = "x"), /setup is not an object/],
  ];

  it.each(refused)("refuse %s and say so", (_, edit, text) => {
    expect(problem(edited(edit))).toMatch(text);
  });

  it("refuse what is not JSON", () => {
    expect(problem("{")).toMatch(/not JSON/);
    expect(problem("null")).toMatch(/not an object/);
  });

  it("drop settings that the API would refuse", () => {
    const text = edited((f) => {
      f.conversations[0].setup.sampling = { temperature: 9, top_k: 1.5, seed: 4, stop: ["", 3], x: 1 };
    });
    const result = importBundles(text);
    expect(result.ok && result.bundles[0]?.conversation.setup.sampling).toEqual({ seed: 4 });
  });

  it("take nothing along that the format does not know", () => {
    const text = edited((f) => {
      f.conversations[0].evil = 1;
      f.conversations[0].messages[0].evil = { a: 1 };
      f.conversations[0].messages[0].measures = { promptTokens: -1, evil: 2 };
    });
    expect(JSON.stringify(importBundles(text))).not.toContain("evil");
  });
});
