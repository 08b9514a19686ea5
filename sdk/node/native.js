// quern.h by koffi: the only module that knows of pointers.
import koffi from "koffi";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const NOTHING = 0, CONTENT = 1, REASONING = 2, TOOL_CALL = 3, FINISHED = 4;

/** What went wrong, in a word of quern_status_name(): "not_found", "context_full", ... */
export class QuernError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "QuernError";
    this.code = code;
  }
}

// QUERN_LIBRARY is for a build tree; a package has the library beside this file.
function libraryPath() {
  const beside = fileURLToPath(new URL("lib/libquern.so", import.meta.url));
  return process.env.QUERN_LIBRARY || (existsSync(beside) ? beside : "libquern.so.0");
}

const library = koffi.load(libraryPath());
const free = library.func("void quern_free(void* memory)");
// A text that the library gave: copied and freed as it comes in.
const Text = koffi.disposable("quern_text", "char*", free);
const Event = koffi.struct("quern_event", {
  kind: "int32_t", index: "uint32_t", text: "void*", text_size: "size_t", id: "const char*", name: "const char*",
  reason: "int32_t", prompt_tokens: "uint32_t", cached_tokens: "uint32_t", completion_tokens: "uint32_t",
  queue_ms: "double", prefill_ms: "double", decode_ms: "double",
});

const statusName = library.func("const char* quern_status_name(int32_t status)");
const close_ = library.func("int32_t quern_close(uint64_t handle)");

// Every other function ends with `char** why`, which becomes the error's message.
function declare(name, parameters) {
  const call = library.func(`int32_t ${name}(${parameters}, _Out_ quern_text* why)`);
  const check = (status, why) => {
    if (status !== 0) throw new QuernError(statusName(status), why[0] || statusName(status));
  };
  const checked = (...given) => {
    const why = [null];
    check(call(...given, why), why);
  };
  // On a thread of libuv's, for what may take long.
  checked.later = (...given) => new Promise((resolve, reject) => {
    const why = [null];
    call.async(...given, why, (error, status) => {
      try {
        if (error) throw error;
        check(status, why);
        resolve();
      } catch (failure) {
        reject(failure);
      }
    });
  });
  return checked;
}

const functions = {
  engineOpen: declare("quern_engine_open", "const char* options, _Out_ uint64_t* engine"),
  engineDevice: declare("quern_engine_device", "uint64_t engine, _Out_ quern_text* text"),
  modelLoad: declare("quern_model_load", "uint64_t engine, const char* reference, void* progress, void* context, _Out_ uint64_t* model"),
  modelInfo: declare("quern_model_info", "uint64_t model, _Out_ quern_text* json"),
  tokenize: declare("quern_model_tokenize", "uint64_t model, const uint8_t* text, size_t size, int special, _Out_ void** tokens, _Out_ size_t* count"),
  detokenize: declare("quern_model_detokenize", "uint64_t model, const int32_t* tokens, size_t count, _Out_ void** text, _Out_ size_t* size"),
  countTokens: declare("quern_model_count_tokens", "uint64_t model, const uint8_t* request, size_t size, _Out_ uint32_t* tokens"),
  chat: declare("quern_chat", "uint64_t model, const uint8_t* request, size_t size, _Out_ uint64_t* answer"),
  complete: declare("quern_complete", "uint64_t model, const uint8_t* request, size_t size, _Out_ uint64_t* answer"),
  answerNext: declare("quern_answer_next", "uint64_t answer, _Out_ quern_event* event"),
  answerCancel: declare("quern_answer_cancel", "uint64_t answer"),
  embed: declare("quern_embed", "uint64_t model, const char** texts, const size_t* sizes, size_t count, _Out_ uint64_t* embedding"),
  embeddingTake: declare("quern_embedding_take", "uint64_t embedding, _Out_ void** vectors, _Out_ size_t* rows, _Out_ size_t* columns, _Out_ uint32_t* tokens"),
  descriptor: declare("quern_descriptor", "uint64_t handle, _Out_ int* descriptor"),
};

const utf8 = new TextEncoder();
const text = new TextDecoder();

// malloc'd bytes of the library, copied and freed.
function take(pointer, bytes) {
  try {
    return bytes === 0 ? new ArrayBuffer(0) : koffi.view(pointer, bytes).slice(0);
  } finally {
    free(pointer);
  }
}

function withRequest(function_, model, request) {
  const bytes = utf8.encode(JSON.stringify(request));
  const out = [0];
  functions[function_](model, bytes, bytes.length, out);
  return out[0];
}

export const version = library.func("const char* quern_version()");
export const close = (handle) => close_(handle);

export function openEngine(options) {
  const engine = [0];
  functions.engineOpen(JSON.stringify(options), engine);
  return engine[0];
}

export async function loadModel(engine, reference) {
  const model = [0];
  await functions.modelLoad.later(engine, reference, null, null, model);
  return model[0];
}

export function modelInfo(model) {
  const json = [null];
  functions.modelInfo(model, json);
  return JSON.parse(json[0]);
}

export function device(engine) {
  const out = [null];
  functions.engineDevice(engine, out);
  return out[0];
}

export function tokenize(model, said, special) {
  const bytes = utf8.encode(said);
  const tokens = [null], count = [0];
  functions.tokenize(model, bytes, bytes.length, special ? 1 : 0, tokens, count);
  return new Int32Array(take(tokens[0], Number(count[0]) * 4));
}

export function detokenize(model, tokens) {
  const out = [null], size = [0];
  functions.detokenize(model, Int32Array.from(tokens), tokens.length, out, size);
  return text.decode(take(out[0], Number(size[0])));
}

export const countTokens = (model, request) => withRequest("countTokens", model, request);
export const chat = (model, request) => withRequest("chat", model, request);
export const complete = (model, request) => withRequest("complete", model, request);
export const cancel = (answer) => functions.answerCancel(answer);

/** What came next of an answer: {kind, text, ...}; the text is a copy. */
export function next(answer) {
  const event = {};
  functions.answerNext(answer, event);
  const size = Number(event.text_size);
  event.text = size === 0 ? "" : text.decode(koffi.view(event.text, size));
  return event;
}

export function embed(model, texts) {
  const bytes = texts.map((each) => utf8.encode(each).length);
  const embedding = [0];
  functions.embed(model, texts, bytes, texts.length, embedding);
  return embedding[0];
}

/** Vectors, one Float32Array each; null while they are not there. */
export function takeEmbedding(embedding) {
  const vectors = [null], rows = [0], columns = [0], tokens = [0];
  functions.embeddingTake(embedding, vectors, rows, columns, tokens);
  if (vectors[0] === null) return null;
  const width = Number(columns[0]), count = Number(rows[0]);
  const all = new Float32Array(take(vectors[0], width * count * 4));
  return Array.from({ length: count }, (_, row) => all.subarray(row * width, (row + 1) * width));
}

export function descriptor(handle) {
  const out = [0];
  functions.descriptor(handle, out);
  return out[0];
}
