// Needs QUERN_LIBRARY; with QUERN_TEST_WEIGHTS, a GGUF file of SmolLM2, real answers too.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { test } from "node:test";

import { QuernError, fake, load, version } from "../quern.js";

const SCRIPT = [
  { when: "one by one", say: ["one ", "two ", "three"], delay_ms: 10 },
  { when: "for ever", say: Array.from({ length: 5000 }, (_, i) => `word ${i} `), delay_ms: 20 },
  { when: "never", say: ["at last"], delay_ms: 600_000 },
  { when: "emoji", say: ["Grüße ", "🌍", "\u0000 ", "世界"] },
  { when: "weather", call: { id: "c1", name: "weather", arguments: '{"city": "Rome"}' } },
  { when: "be busy", error: "resource_exhausted", message: "the queue is full" },
  { say: ["Hello", " there", "."] },
];

async function withFake(body) {
  const llm = await fake(SCRIPT);
  try {
    await body(llm);
  } finally {
    llm.close();
  }
}

test("a chat is answered", () => withFake(async (llm) => {
  assert.match(version(), /^\d+\.\d+\.\d+$/);
  assert.equal(llm.info.name, "fake");
  const reply = await llm.chat("Hi", { system: "Be brief." });
  assert.equal(reply.text, "Hello there.");
  assert.equal(reply.finishReason, "stop");
  assert.ok(reply.usage.completionTokens > 0);
  assert.deepEqual(reply.messages.map((message) => message.role), ["system", "user", "assistant"]);
  const more = await llm.chat([...reply.messages, { role: "user", content: "emoji" }]);
  assert.equal(more.text, "Grüße 🌍\u0000 世界");
}));

test("a stream comes piece by piece", () => withFake(async (llm) => {
  const stream = llm.stream("one by one");
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  assert.deepEqual(pieces, ["one ", "two ", "three"]);
  assert.equal(stream.reply.text, "one two three");
}));

test("many wait together, and the loop goes on meanwhile", () => withFake(async (llm) => {
  let turns = 0;
  const timer = setInterval(() => ++turns, 5);
  const replies = await Promise.all(Array.from({ length: 50 }, () => llm.chat("one by one")));
  clearInterval(timer);
  assert.ok(replies.every((reply) => reply.text === "one two three"));
  assert.ok(turns > 0, "the loop was held up");
}));

test("leaving a loop, a signal and closing end an answer", () => withFake(async (llm) => {
  for await (const piece of llm.stream("for ever")) {
    assert.equal(piece, "word 0 ");
    break;
  }
  const control = new AbortController();
  const waiting = llm.chat("for ever", { signal: control.signal });
  setTimeout(() => control.abort(new Error("enough")), 50);
  await assert.rejects(waiting, /enough/);
  const never = llm.chat("never");
  setTimeout(() => llm.close(), 50);
  await assert.rejects(never, QuernError);
  await assert.rejects(async () => llm.chat("Hi"), /this model was closed/);
}));

test("tools are called by name", () => withFake(async (llm) => {
  const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
  const reply = await llm.chat("How is the weather?", { tools });
  assert.deepEqual(reply.toolCalls, [{ id: "c1", name: "weather", arguments: '{"city": "Rome"}' }]);
  assert.equal(reply.finishReason, "tool_calls");
  assert.equal(reply.messages.at(-1).tool_calls[0].function.name, "weather");
}));

test("vectors and tokens", () => withFake(async (llm) => {
  const [one, other] = await llm.embed(["a fox", "a vixen"]);
  assert.equal(one.length, llm.info.embeddingLength);
  assert.ok(Math.abs(one.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
  assert.notDeepEqual(one, other);
  assert.deepEqual(await llm.embed("a fox"), one);
  const tokens = llm.tokenize("to be or not");
  assert.ok(tokens instanceof Int32Array && tokens.length > 0);
  assert.equal(llm.detokenize(tokens), "to be or not");
  assert.ok(llm.countTokens("Hi") > 0);
}));

test("what goes wrong has a code and a sentence", () => withFake(async (llm) => {
  await assert.rejects(llm.chat("be busy"), { name: "QuernError", code: "resource_exhausted", message: /the queue is full/ });
  await assert.rejects(llm.chat("never", { timeoutMs: 10 }), { code: "deadline_exceeded" });
  assert.throws(() => llm.stream([{ role: "king", content: "Hi" }]), { code: "invalid_argument", message: /messages\[0\].role/ });
  assert.throws(() => llm.stream("Hi", { temprature: 1 }), /there is no option temprature; there are system/);
  await assert.rejects(load("/no/such.gguf"), { code: "not_found", message: /such.gguf/ });
}));

test("a program ends by itself, with a model open", async () => {
  const program = `import { fake } from ${JSON.stringify(new URL("../quern.js", import.meta.url).href)};
    const llm = await fake([{ say: ["bye"] }]); console.log((await llm.chat("Hi")).text);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { timeout: 60_000 });
  assert.equal(stdout, "bye\n");
});

const weights = process.env.QUERN_TEST_WEIGHTS;
test("real weights answer, within a form", { skip: weights ? false : "NOT TESTED: QUERN_TEST_WEIGHTS is not set" }, async () => {
  const llm = await load(weights, { contextTokens: 2048, threads: 1 });
  try {
    const schema = { type: "object", properties: { mood: { enum: ["good", "bad"] } }, required: ["mood"] };
    const reply = await llm.chat("Review: 'The best bread I ever had!'", {
      temperature: 0, maxTokens: 40, responseFormat: { type: "json_schema", json_schema: { schema } },
    });
    assert.ok(["good", "bad"].includes(JSON.parse(reply.text).mood));
    const pieces = [];
    for await (const piece of llm.stream("Name three colours.", { temperature: 0, maxTokens: 12 })) pieces.push(piece);
    assert.ok(pieces.length > 1);
    assert.equal((await llm.embed("a fox")).length, llm.info.embeddingLength);
  } finally {
    llm.close();
  }
});
