// Language models for a guest: a program that runs inside Quern.
//
//     import * as quern from "./quern/quern.js";
//
//     const llm = quern.open();
//     for (const piece of llm.stream("What is a quern?")) write(piece);
//
// A prompt is a text or a conversation: [{ role: "user", content: "..." }, ...]. Options are those of
// the contract (wit/deps/quern-llm/llm.wit) in camelCase: maxTokens, temperature, topK, seed, stop ...
import { Model as Handle, grantedModels as granted } from "quern:llm/inference@0.1.0";

/** What the host could not do; `kind` is the case of the contract's `error`, as in "permission-denied". */
export class QuernError extends Error {
  constructor(kind, message, details = {}) {
    super(message);
    Object.assign(this, { name: "QuernError", kind, ...details });
  }
}

function errorOf({ tag, val }) {
  switch (tag) {
    case "context-full":
      return new QuernError(
        tag,
        `the prompt has ${val.promptTokens} tokens, the model's context ${val.contextTokens}`,
      );
    case "overloaded":
      return new QuernError(tag, `the model is busy; try again in ${val} ms`, { retryMs: val });
    case "deadline-exceeded":
      return new QuernError(tag, "the answer took longer than it was given");
    case "cancelled":
      return new QuernError(tag, "the answer was cancelled");
    default:
      return new QuernError(tag, val);
  }
}

function asked(call) {
  try {
    return call();
  } catch (raised) {
    throw raised?.payload?.tag ? errorOf(raised.payload) : raised;
  }
}

function messageWords({ role, content = "", name, reasoning, toolCalls = [], toolCallId }) {
  const parts = typeof content === "string" ? [{ tag: "text", val: content }] : content;
  return { role, content: parts, name, reasoning, toolCalls, toolCallId };
}

function conversation(prompt, system) {
  const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : [...prompt];
  return system === undefined ? messages : [{ role: "system", content: system }, ...messages];
}

const SAMPLING = [
  "maxTokens", "temperature", "topK", "topP", "minP", "repeatPenalty", "repeatLastN",
  "presencePenalty", "frequencyPenalty", "seed", "timeoutMs",
];
const OTHERS = ["system", "schema", "grammar", "tools", "maxRounds", "stop", "logitBias", "enableThinking"];

function samplingWords(options) {
  for (const name of Object.keys(options)) {
    if (![...SAMPLING, ...OTHERS].includes(name)) throw new TypeError(`there is no option ${name}`);
  }
  const words = Object.fromEntries(SAMPLING.map((name) => [name, options[name]]));
  return { ...words, logitBias: options.logitBias ?? [], stop: [options.stop ?? []].flat(), logprobs: undefined };
}

function formatWords({ schema, grammar }) {
  if (schema) return { tag: "json-schema", val: JSON.stringify(schema) };
  return grammar ? { tag: "grammar", val: grammar } : { tag: "text" };
}

function optionWords(options, toolChoice = "auto") {
  const tools = (options.tools ?? []).map(({ name, description, parameters }) => ({
    name,
    description,
    parameters: JSON.stringify(parameters),
  }));
  return {
    sampling: samplingWords(options),
    format: formatWords(options),
    tools,
    toolChoice: { tag: toolChoice },
    parallelToolCalls: true,
    enableThinking: options.enableThinking,
  };
}

/** An answer on its way: `for (const piece of stream)`. Leaving the loop early, or close(), cancels what is left. */
export class Stream {
  #generation;
  #messages;
  #events = [];
  #text = "";
  #reasoning = "";
  #calls = [];
  #reply;

  constructor(generation, messages = []) {
    this.#generation = generation;
    this.#messages = messages;
  }

  [Symbol.iterator]() {
    return this;
  }

  /** The next piece of text; waits for it. */
  next() {
    while (!this.#reply) {
      const event = this.#events.shift();
      if (!event) this.#read();
      else if (event.tag === "content") {
        this.#text += event.val;
        return { value: event.val, done: false };
      } else this.#take(event);
    }
    return { value: undefined, done: true };
  }

  return() {
    this.close();
    return { value: undefined, done: true };
  }

  #read() {
    if (!this.#generation) throw new QuernError("cancelled", "the answer was closed before its end");
    try {
      this.#events = asked(() => this.#generation.blockingRead());
    } catch (problem) {
      this.close();
      throw problem;
    }
  }

  #take({ tag, val }) {
    if (tag === "reasoning") this.#reasoning += val;
    if (tag === "tool-call") {
      const call = (this.#calls[val.index] ??= { id: "", name: "", arguments: "" });
      call.id += val.id ?? "";
      call.name += val.name ?? "";
      call.arguments += val.arguments;
    }
    if (tag !== "finished") return;
    const said = { role: "assistant", content: this.#text, toolCalls: this.#calls };
    this.#reply = {
      text: this.#text,
      reasoning: this.#reasoning,
      toolCalls: this.#calls,
      finishReason: val.reason,
      usage: val.usage,
      timings: val.timings,
      messages: [...this.#messages, said],
    };
    this.close();
  }

  /** The whole answer; waits for it. Its `messages` are the conversation to go on from. */
  whole() {
    while (!this.next().done);
    return this.#reply;
  }

  /** The answer as the value that its schema describes; waits for it. */
  value() {
    const { text, finishReason } = this.whole();
    if (finishReason === "length") {
      throw new QuernError("invalid-argument", "the answer reached its length before it was whole; give it more maxTokens");
    }
    return JSON.parse(text);
  }

  /** Ends the answer early: what was made can still be read, and then the stream is at its end. */
  cancel() {
    this.#generation?.cancel();
  }

  /** Cancels what is left and frees it. */
  close() {
    this.#generation?.[Symbol.dispose]();
    this.#generation = undefined;
  }
}

export class Model {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  info() {
    return this.#handle.info();
  }

  /** The answer piece by piece. With `schema`, a JSON Schema, it is JSON of that form, and stream.value() what it says. */
  stream(prompt, options = {}) {
    return this.#begin(conversation(prompt, options.system), options);
  }

  /**
   * Waits for the whole answer. `tools`: functions that the model may call, each
   * { name, description, parameters: JSON Schema, call: (arguments) => result }.
   */
  chat(prompt, options = {}) {
    let messages = conversation(prompt, options.system);
    for (let left = options.maxRounds ?? 8; left >= 0; left--) {
      const reply = this.#begin(messages, options, left ? "auto" : "none").whole();
      if (!reply.toolCalls.length || !options.tools) return reply;
      messages = [...reply.messages, ...reply.toolCalls.map((call) => answerOf(call, options.tools))];
    }
    throw new QuernError("internal", "the model called a tool when it might not");
  }

  /** Goes on with raw text, without a chat template. */
  complete(prompt, options = {}) {
    return new Stream(asked(() => this.#handle.complete(prompt, samplingWords(options), formatWords(options))));
  }

  /** { vectors, promptTokens }: one vector of length 1 per text; the dot product of two is their cosine. */
  embed(texts) {
    return asked(() => this.#handle.embed(texts));
  }

  tokenize(text, { special = false } = {}) {
    return asked(() => this.#handle.tokenize(text, special));
  }

  /** Their bytes; a token may be a part of a character. */
  detokenize(tokens) {
    return asked(() => this.#handle.detokenize(tokens));
  }

  #begin(messages, options, toolChoice) {
    const words = messages.map(messageWords);
    return new Stream(asked(() => this.#handle.chat(words, optionWords(options, toolChoice))), messages);
  }
}

function answerOf(call, tools) {
  const tool = tools.find(({ name }) => name === call.name);
  if (!tool) throw new QuernError("internal", `the call of a tool ended before its name was whole: ${call.name}`);
  const result = tool.call(JSON.parse(call.arguments));
  const content = typeof result === "string" ? result : JSON.stringify(result);
  return { role: "tool", toolCallId: call.id, content };
}

/** A model by the name it was granted under; "default" is the first. */
export function open(name = "default") {
  return new Model(asked(() => Handle.open(name)));
}

/** Those that this guest may use and that are here. */
export function grantedModels() {
  return granted();
}
