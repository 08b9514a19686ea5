// Models in your own Node process: no server, no guest.
import * as native from "./native.js";
import { readable } from "./waiter.js";

export { QuernError } from "./native.js";
export const version = native.version;

const FINISH_REASONS = ["stop", "length", "tool_calls"];
const WIRE = {
  maxTokens: "max_tokens", temperature: "temperature", topK: "top_k", topP: "top_p", minP: "min_p",
  repeatPenalty: "repeat_penalty", repeatLastN: "repeat_last_n", presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty", seed: "seed", stop: "stop", logitBias: "logit_bias", timeoutMs: "timeout_ms",
  grammar: "grammar", responseFormat: "response_format", enableThinking: "enable_thinking", tools: "tools",
  toolChoice: "tool_choice", parallelToolCalls: "parallel_tool_calls",
};
const HERE = new Set(["system", "signal"]);

const open = new Set();
process.on("exit", () => open.forEach((model) => model.close())); // the library's threads end before this one

function wireOptions(options) {
  const wire = {};
  for (const [name, value] of Object.entries(options)) {
    if (HERE.has(name) || value === undefined) continue;
    if (!(name in WIRE)) throw new TypeError(`there is no option ${name}; there are ${[...HERE, ...Object.keys(WIRE)].join(", ")}`);
    wire[WIRE[name]] = value;
  }
  return wire;
}

function chatRequest(prompt, options) {
  const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : [...prompt];
  if (options.system !== undefined) messages.unshift({ role: "system", content: options.system });
  return { messages, ...wireOptions(options) };
}

/** An answer on its way: `for await (const piece of stream)`; then `stream.reply`. One reader. */
class Stream {
  #answer;
  #descriptor;
  #messages;
  #text = "";
  #reasoning = "";
  #calls = [];
  #signal;
  #stop = () => this.cancel();

  constructor(model, begin, request, signal) {
    signal?.throwIfAborted();
    this.#answer = begin(request);
    this.#descriptor = native.descriptor(this.#answer);
    this.#messages = request.messages ?? [];
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
    this.model = model; // stays open while it answers
    this.reply = undefined;
  }

  /** Ends it early: what was made can still be read. */
  cancel() {
    if (this.#answer) native.cancel(this.#answer);
  }

  /** Cancels what is left and frees it. */
  close() {
    this.#signal?.removeEventListener("abort", this.#stop);
    if (this.#answer) native.close(this.#answer);
    this.#answer = 0;
  }

  async *[Symbol.asyncIterator]() {
    try {
      while (this.#answer) {
        const event = native.next(this.#answer);
        if (event.kind === native.NOTHING) await readable(this.#descriptor);
        else if (event.kind === native.FINISHED) this.#finish(event);
        else {
          const piece = this.#take(event);
          if (piece !== undefined) yield piece;
        }
      }
      this.#signal?.throwIfAborted();
    } finally {
      this.close(); // a loop that was left, too
    }
  }

  /** The rest of it, as a whole. */
  async whole() {
    for await (const _ of this);
    return this.reply;
  }

  #take(event) {
    if (event.kind === native.CONTENT) {
      this.#text += event.text;
      return event.text;
    }
    if (event.kind === native.REASONING) this.#reasoning += event.text;
    if (event.kind === native.TOOL_CALL) {
      const call = (this.#calls[event.index] ??= { id: "", name: "", arguments: "" });
      call.id += event.id ?? "";
      call.name += event.name ?? "";
      call.arguments += event.text;
    }
    return undefined;
  }

  #finish(event) {
    const message = { role: "assistant", content: this.#text };
    if (this.#calls.length > 0) {
      message.tool_calls = this.#calls.map(({ id, ...call }) => ({ id, type: "function", function: call }));
    }
    this.reply = {
      text: this.#text,
      reasoning: this.#reasoning,
      toolCalls: this.#calls,
      finishReason: FINISH_REASONS[event.reason],
      usage: { promptTokens: event.prompt_tokens, cachedTokens: event.cached_tokens, completionTokens: event.completion_tokens },
      timings: { queueMs: event.queue_ms, prefillMs: event.prefill_ms, decodeMs: event.decode_ms },
      messages: [...this.#messages, message],
    };
    this.close();
  }
}

/** A loaded model. Answers that are under way together are computed together. */
class Model {
  #engine;
  #handle;
  #underWay = new Set();

  constructor(engine, handle) {
    this.#engine = engine;
    this.#handle = handle;
    const info = native.modelInfo(handle);
    this.info = {
      name: info.name, architecture: info.architecture, parameters: info.parameters, sizeBytes: info.size_bytes,
      contextTokens: info.context_tokens, embeddingLength: info.embedding_length, vocabulary: info.vocabulary,
      chat: info.chat, digest: info.digest, created: info.created,
    };
    open.add(this);
  }

  get #open() {
    if (!this.#handle) throw new native.QuernError("invalid_argument", "this model was closed");
    return this.#handle;
  }

  /** The kernels in use, as in "icelake, 2 threads". */
  get device() {
    this.#open;
    return native.device(this.#engine);
  }

  /** The answer piece by piece. */
  stream(prompt, options = {}) {
    return this.#begin(native.chat, chatRequest(prompt, options), options.signal);
  }

  /** Asks and waits for the whole answer. */
  chat(prompt, options = {}) {
    return this.stream(prompt, options).whole();
  }

  /** Goes on with raw text, without a chat template. */
  complete(prompt, options = {}) {
    return this.#begin(native.complete, { prompt, ...wireOptions(options) }, options.signal);
  }

  #begin(start, request, signal) {
    const handle = this.#open;
    return new Stream(this, (wanted) => start(handle, wanted), request, signal);
  }

  /** Vectors of length 1: of one text a Float32Array, of several a list of them. */
  async embed(texts) {
    const several = typeof texts === "string" ? [texts] : [...texts];
    const embedding = native.embed(this.#open, several);
    this.#underWay.add(embedding);
    try {
      const descriptor = native.descriptor(embedding);
      let vectors;
      while ((vectors = native.takeEmbedding(embedding)) === null) await readable(descriptor);
      return typeof texts === "string" ? vectors[0] : vectors;
    } finally {
      this.#underWay.delete(embedding);
      native.close(embedding);
    }
  }

  /** The text's tokens. `special`: control words in it are control tokens. */
  tokenize(text, { special = false } = {}) {
    return native.tokenize(this.#open, text, special);
  }

  detokenize(tokens) {
    return native.detokenize(this.#open, tokens);
  }

  /** How long the prompt of a chat would be, its template included. */
  countTokens(prompt, options = {}) {
    return native.countTokens(this.#open, chatRequest(prompt, options));
  }

  /** Ends every answer under way and frees the memory. Closing twice is fine. */
  close() {
    const engine = this.#engine;
    this.#engine = this.#handle = 0;
    open.delete(this);
    if (engine) native.close(engine);
  }
}
if (Symbol.dispose) Model.prototype[Symbol.dispose] = Model.prototype.close;

async function loadInto(options, reference) {
  const engine = native.openEngine(options);
  try {
    return new Model(engine, await native.loadModel(engine, reference));
  } catch (failure) {
    native.close(engine);
    throw failure;
  }
}

/** Loads a model into this process: see quern.d.ts. */
export function load(reference, { contextTokens = 0, threads = 0, maxRunning = 16, cacheTokens = 16384, lora = {} } = {}) {
  const paths = typeof lora === "string" ? [lora] : lora;
  const scales = Array.isArray(paths) ? paths.map((path) => [path, 1]) : Object.entries(paths);
  return loadInto({
    context_tokens: contextTokens, threads, max_running: maxRunning, cache_tokens: cacheTokens,
    adapters: scales.map(([file, scale]) => ({ file, scale })),
  }, String(reference));
}

/** A model without weights that says what the script says, for tests of your own program. */
export function fake(script) {
  return loadInto({ fake_script: script }, "fake");
}
