// quern.h: the engine inside another program, as a C ABI.
//
// For:     programs in any language that load a model into their own process: chat, completion,
//          embeddings, tokens. libquern.so has these functions and exports nothing else.
// Refuses: guests, HTTP serving and everything else that the program `quern` is there for.
// Owns:    what was opened is a number (a handle) and stays until quern_close(); closing an engine
//          closes all that came of it. A number is never used twice: a stale or made-up one is
//          QUERN_INVALID_ARGUMENT, never a crash. What comes back as malloc'd memory belongs to
//          the caller, who gives it to quern_free().
// Threads: every function may be called from any thread; an answer has one reader at a time. Only
//          quern_model_load, quern_wait and quern_close may take long. Nothing calls back but the
//          `progress` of quern_model_load, on the caller's own thread. Threads of the library
//          inherit the signal mask of the call that makes them. After fork() every function in
//          the child answers QUERN_FORKED: the library's threads are in the parent.
// Errors:  a quern_status; if `why` is not NULL, *why becomes a sentence for people (malloc'd), or
//          NULL when all went well. No C++ exception leaves these functions. When one fails,
//          nothing was opened, and what it would have written reads as zero.
//
//     quern_engine engine; quern_model model; quern_answer answer; quern_event event;
//     quern_engine_open(NULL, &engine, NULL);
//     quern_model_load(engine, "smollm2-135m-instruct", NULL, NULL, &model, NULL);
//     const char* request = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
//     quern_chat(model, request, strlen(request), &answer, NULL);
//     do {
//       quern_wait(answer, -1, NULL);
//       while (quern_answer_next(answer, &event, NULL) == QUERN_OK && event.kind != QUERN_NOTHING)
//       {
//         if (event.kind == QUERN_CONTENT) fwrite(event.text, 1, event.text_size, stdout);
//         if (event.kind == QUERN_FINISHED) break;
//       }
//     } while (event.kind == QUERN_NOTHING);
//     quern_close(engine);
//
// Strings are UTF-8. Those that come with a size may hold zero bytes; the others end with one.
// A field or function here keeps its meaning within a symbol version (QUERN_0.1).
#ifndef QUERN_H
#define QUERN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- statuses ------------------------------------------------------------------------------

typedef int32_t quern_status;
enum {
  QUERN_OK = 0,
  QUERN_INVALID_ARGUMENT = 1,  // what was asked for cannot be, or a handle is not open
  QUERN_NOT_FOUND = 2,
  QUERN_ALREADY_EXISTS = 3,
  QUERN_PERMISSION_DENIED = 4,
  QUERN_RESOURCE_EXHAUSTED = 5,  // a bound was reached: queue, memory, handles, disk
  QUERN_DEADLINE_EXCEEDED = 6,
  QUERN_CANCELLED = 7,
  QUERN_UNAVAILABLE = 8,  // no source answers, shutting down
  QUERN_UNSUPPORTED = 9,  // understood, but this build or model cannot do it
  QUERN_CORRUPT_DATA = 10,
  QUERN_INTERNAL = 11,      // a fault of the library
  QUERN_CONTEXT_FULL = 12,  // the prompt does not fit the model's context
  QUERN_FORKED = 13         // this process forked after the library had started
};

// "not_found" and so on; "unknown" for a number that is none. Static.
const char* quern_status_name(quern_status status);
// "0.1.0". Static.
const char* quern_version(void);
// Frees what a function here gave; NULL is fine.
void quern_free(void* memory);
// "debug", "info", "warn", "error" or "off": what the library writes to stderr, of all engines in
// this process. At first: warn.
quern_status quern_log_level(const char* level, char** why);

// ---- engines and models --------------------------------------------------------------------

typedef uint64_t quern_engine;
typedef uint64_t quern_model;
typedef uint64_t quern_answer;
typedef uint64_t quern_embedding;

// `options`: NULL, or a JSON object with any of
//   context_tokens  that one conversation may hold; 0: the model's own length, at most 8192
//   threads         0: the processors this process may use
//   max_running     answers computed together, 1 to 64 (16)
//   max_waiting     answers that wait beside them before more are refused (512)
//   cache_tokens    of prompts kept for whoever begins alike; 0: none (16384)
//   adapters        [{"file", "scale"}]: LoRA adapters (GGUF) that are added to all weights which
//                   this engine loads; scale is 1 where it is left out
//   fake_script     instead of weights: what the model "fake" says, for tests; the form is that of
//                   `quern --fake-model`
quern_status quern_engine_open(const char* options, quern_engine* engine, char** why);
// *text: "cascadelake, 2 threads", the kernels in use. malloc'd.
quern_status quern_engine_device(quern_engine engine, char** text, char** why);

// How far a download is: bytes, and the whole or 0 where that is unknown. Any return value but 0
// ends the loading with QUERN_CANCELLED; what came is kept. At most some ten calls a second.
typedef int (*quern_progress)(void* context, const char* source, uint64_t done, uint64_t total);

// `reference`: a name of the catalog, "hub:OWNER/REPO[/FILE]", an https address, the path of a GGUF
// file or of a pack (FILE.wasm, made by `quern pack`), or a pack's REGISTRY/NAME[:TAG][@DIGEST].
// A pack's model has its name and begins conversations with its system text. Blocks: weights that
// are not on this machine are downloaded and verified first, into the store that the program
// `quern` uses. The same weights twice in one engine are the same model; of two files of one name
// the second is called by its path.
// `progress` may be NULL; it and `context` are used during this call only.
quern_status quern_model_load(quern_engine engine, const char* reference, quern_progress progress,
                              void* context, quern_model* model, char** why);

// *json: {"name", "architecture", "parameters", "size_bytes", "context_tokens", "embedding_length",
// "vocabulary", "chat", "digest", "created"}. malloc'd.
quern_status quern_model_info(quern_model model, char** json, char** why);
// *json: how busy it is now: {"running", "waiting", "cached_tokens", "prompt_tokens_total",
// "cached_prompt_tokens_total", "completion_tokens_total", "embedded_tokens_total"}. malloc'd.
quern_status quern_model_activity(quern_model model, char** json, char** why);

// *tokens: i32[*count], malloc'd. `special`: 0 takes control words as plain text.
quern_status quern_model_tokenize(quern_model model, const char* text, size_t size, int special,
                                  int32_t** tokens, size_t* count, char** why);
// *text: *size bytes and a zero, malloc'd. Tokens may end within a character.
quern_status quern_model_detokenize(quern_model model, const int32_t* tokens, size_t count,
                                    char** text, size_t* size, char** why);
// How long the prompt of this request of quern_chat would be.
quern_status quern_model_count_tokens(quern_model model, const char* request, size_t size,
                                      uint32_t* tokens, char** why);

// ---- answers -------------------------------------------------------------------------------

// `request`: JSON in the words of OpenAI's chat API, at most 64 MiB:
//   messages           [{"role", "content", "name", "reasoning_content", "tool_calls",
//                      "tool_call_id"}]; content is a text or a list of {"type":"text","text"}
//   tools              [{"type":"function","function":{"name","description","parameters"}}]
//   tool_choice        "auto", "none", "required" or {"type":"function","function":{"name"}}
//   parallel_tool_calls, enable_thinking    true or false
//   response_format    {"type":"text"}, {"type":"json_object"} or
//                      {"type":"json_schema","json_schema":{"schema"}}
//   grammar            GBNF, instead of response_format
//   max_tokens, temperature, top_k, top_p, min_p, repeat_penalty, repeat_last_n,
//   presence_penalty, frequency_penalty, seed, stop, logit_bias, timeout_ms
// Anything else is QUERN_INVALID_ARGUMENT, with its name. Returns at once; what is wrong with the
// request in the model's eyes is told by quern_answer_next.
quern_status quern_chat(quern_model model, const char* request, size_t size, quern_answer* answer,
                        char** why);
// The same for raw text: "prompt" instead of messages, tools and thinking. Control words in the
// prompt are control tokens.
quern_status quern_complete(quern_model model, const char* request, size_t size,
                            quern_answer* answer, char** why);

enum {
  QUERN_NOTHING = 0,    // not yet: wait
  QUERN_CONTENT = 1,    // text: whole characters of the answer
  QUERN_REASONING = 2,  // text: of the model's thoughts
  QUERN_TOOL_CALL = 3,  // a piece of call `index`: id and name once, text: of the arguments' JSON
  QUERN_FINISHED = 4    // the last: reason, tokens, times
};
enum { QUERN_STOP = 0, QUERN_LENGTH = 1, QUERN_TOOL_CALLS = 2 };

// One step of an answer. What it points to lies in the answer until the next call of
// quern_answer_next or quern_close; fields that do not belong to its kind are zero.
typedef struct quern_event {
  int32_t kind;
  uint32_t index;  // of the tool call, from 0
  const char* text;
  size_t text_size;
  const char* id;    // NULL when it was told before
  const char* name;  // likewise
  int32_t reason;    // why it finished
  uint32_t prompt_tokens;
  uint32_t cached_tokens;  // of them, taken from the prefix cache
  uint32_t completion_tokens;
  double queue_ms;
  double prefill_ms;
  double decode_ms;
} quern_event;

// What came next, without waiting. Fails with what ended the answer: QUERN_CONTEXT_FULL, an
// impossible schema, a deadline. After the end: QUERN_CANCELLED.
quern_status quern_answer_next(quern_answer answer, quern_event* event, char** why);
// Ends it early: what was made can still be read, then QUERN_FINISHED.
quern_status quern_answer_cancel(quern_answer answer, char** why);

// ---- embeddings ----------------------------------------------------------------------------

// `count` texts with their sizes in bytes, copied before this returns.
quern_status quern_embed(quern_model model, const char* const* texts, const size_t* sizes,
                         size_t count, quern_embedding* embedding, char** why);
// *vectors: f32[*rows][*columns], row after row, each of length 1, in the texts' order; malloc'd.
// NULL with QUERN_OK while they are not there yet. Gives them once.
quern_status quern_embedding_take(quern_embedding embedding, float** vectors, size_t* rows,
                                  size_t* columns, uint32_t* prompt_tokens, char** why);

// ---- both ----------------------------------------------------------------------------------

// Waits until an answer or an embedding has something to give or is closed; QUERN_DEADLINE_EXCEEDED
// after `timeout_ms`; a negative one waits for ever.
quern_status quern_wait(uint64_t handle, int64_t timeout_ms, char** why);
// For event loops: a file descriptor that is readable whenever quern_wait would return. Poll it,
// but do not read or close it; it lives as long as the handle.
quern_status quern_descriptor(uint64_t handle, int* descriptor, char** why);
// Closes any handle. An answer or embedding under way is cancelled. Waits for the threads of an
// engine or of the last user of a model, at most one step of the model.
quern_status quern_close(uint64_t handle);

#ifdef __cplusplus
}
#endif

#endif
