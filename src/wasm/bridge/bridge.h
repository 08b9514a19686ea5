/* The C ABI between src/wasm (C++) and its Rust crate, made for this host and nobody else.
 *
 * Who owns what
 *   qb_engine, qb_program, qb_linked, qb_running, qb_exchange, qb_call, qb_waker, qb_waitable:
 *     made here, given to C++, given back through the function named with each.
 *   qb_bytes, qb_slice and every array in an argument: borrowed for the call.
 *   qb_buffer (also inside qb_error): made here, freed with qb_buffer_free.
 *   void* of a callback (instance, function, run, sink, taken): C++ objects. The bridge calls each
 *     one's `drop` exactly once, when nothing can name it any more.
 * Threads
 *   Every function may be called from any thread. Callbacks come from the engine's worker threads
 *   and MUST be noexcept and MUST NOT block. Callbacks of one run or exchange never overlap.
 * Panics
 *   A Rust panic is caught at each function and is an error of kind QB_INTERNAL.
 */
#ifndef QUERN_WASM_BRIDGE_H
#define QUERN_WASM_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qb_engine qb_engine;
typedef struct qb_program qb_program;
typedef struct qb_linked qb_linked;
typedef struct qb_running qb_running;
typedef struct qb_exchange qb_exchange;
typedef struct qb_call qb_call;
typedef struct qb_waker qb_waker;
typedef struct qb_waitable qb_waitable;

/* Borrowed bytes; text is UTF-8 where the name says so. data may be null when size is 0. */
typedef struct qb_bytes {
  const uint8_t* data;
  size_t size;
} qb_bytes;

typedef struct qb_buffer {
  uint8_t* data;
  size_t size;
  size_t capacity;
} qb_buffer;
void qb_buffer_free(qb_buffer buffer);

/* kind 0 is success; else 1 + quern::ErrorKind. message is UTF-8, empty on success. */
typedef struct qb_error {
  uint32_t kind;
  qb_buffer message;
} qb_error;

typedef struct qb_pair {
  qb_bytes first;
  qb_bytes second;
} qb_pair;

/* ---- what C++ offers ---------------------------------------------------------------------- */

/* A call from a core module to a raw function, asked again until it is no longer pending. */
typedef struct qb_raw_call {
  uint8_t* memory; /* memory 0 of the caller; null when it has none */
  size_t memory_size;
  uint64_t* values; /* in: the arguments' bits; out: the results' bits */
  size_t arguments;
  void* instance;
  void* waker_source; /* for qb_waker_new, valid for this call only */
  void* printer;      /* for qb_raw_print, valid for this call only */
  void* written;      /* for qb_raw_wrote, valid for this call only; null when nobody asks */
  void* grower;       /* the bridge's own, for qb_raw_grow; null of a function that waits */
} qb_raw_call;

typedef enum { QB_RAW_DONE = 0, QB_RAW_PENDING = 1, QB_RAW_TRAP = 2 } qb_raw_status;

/* Receives text that a callback hands back: set(target, text). */
typedef struct qb_text_out {
  void* target;
  void (*set)(void* target, qb_bytes text);
} qb_text_out;

typedef struct qb_callbacks {
  /* The C++ side of one instance: its sandbox and state. */
  void (*instance_drop)(void* instance);
  void (*instance_write)(void* instance, uint32_t stream /* 1 out, 2 err */, qb_bytes bytes);
  /* What its owner should know and the guest does not hear. */
  void (*instance_warn)(void* instance, qb_bytes text);
  bool (*instance_allow_request)(void* instance, qb_bytes method, qb_bytes scheme,
                                 qb_bytes authority, qb_bytes path);
  bool (*instance_allow_socket)(void* instance, uint32_t use /* wasm::SocketUse */,
                                qb_bytes address);
  /* An allowed name has this address ("ip"); told before anybody connects to it. */
  void (*instance_resolved)(void* instance, qb_bytes name, qb_bytes address);
  /* Host functions; `host` is what qb_link got, `index` counts as given there. */
  void (*host_drop)(void* host);
  void (*host_call)(void* host, uint32_t index, void* instance, qb_call* call);
  void (*host_resource_drop)(void* host, uint32_t index, void* instance, uint32_t rep);
  uint32_t /* qb_raw_status */ (*host_raw_call)(void* host, uint32_t index, qb_raw_call* call,
                                                qb_text_out trap);
  /* The end of a run; `run` is not named afterwards. text: what was called gave. */
  void (*run_done)(void* run, uint32_t error_kind, qb_bytes message, int32_t exit_code,
                   qb_bytes text);
  /* The end of a replay; `replay` is not named afterwards. Not 0: it could not be made. */
  void (*replay_done)(void* replay, uint32_t error_kind, qb_bytes message,
                      const struct qb_replayed* ended);
  /* The response of an exchange: head, body*, then end or fail; then drop. */
  void (*sink_head)(void* sink, uint16_t status, const qb_pair* headers, size_t count);
  /* The next chunk comes when `taken` was set; C++ frees it. */
  void (*sink_body)(void* sink, qb_bytes chunk, qb_waitable* taken);
  void (*sink_end)(void* sink);
  void (*sink_fail)(void* sink, uint32_t error_kind, qb_bytes message);
  void (*sink_drop)(void* sink);
  /* The guest has room for another chunk of the request; `taken` is not named afterwards. */
  void (*body_taken)(void* taken);
} qb_callbacks;

/* ---- engine and programs ------------------------------------------------------------------ */

typedef struct qb_engine_options {
  qb_bytes cache_dir;      /* empty: no cache */
  uint32_t worker_threads; /* 0: the processors of this process */
  uint32_t max_instances;
  uint64_t max_memory;    /* bytes */
  uint64_t stack;         /* bytes */
  uint64_t place_wait_ms; /* for one of max_instances to end; then unavailable */
  qb_callbacks callbacks;
} qb_engine_options;

qb_error qb_engine_new(const qb_engine_options* options, qb_engine** out);
/* Ends what still runs, waits for its callbacks. Not from a callback. */
void qb_engine_free(qb_engine* engine);
uint32_t qb_engine_live(const qb_engine* engine);
qb_buffer qb_engine_describe(const qb_engine* engine);

qb_error qb_program_load(const qb_engine* engine, qb_bytes wasm, qb_bytes name, qb_program** out);
qb_error qb_program_precompile(const qb_engine* engine, qb_bytes wasm, qb_buffer* out);
qb_error qb_program_load_image(const qb_engine* engine, qb_bytes image, qb_bytes wasm,
                               qb_program** out);
void qb_program_free(qb_program* program);

typedef struct qb_program_facts {
  bool component;
  bool command;
  bool http_handler;
} qb_program_facts;
typedef enum { QB_DIGEST = 0, QB_IMPORT = 1, QB_EXPORT = 2 } qb_fact;
/* Calls `tell` for the digest and for each import and export, during the call. */
qb_program_facts qb_program_describe(const qb_program* program, void* target,
                                     void (*tell)(void* target, uint32_t fact, qb_bytes text));

/* ---- linking ------------------------------------------------------------------------------ */

/* One function or resource of a component interface. */
typedef struct qb_interface_item {
  qb_bytes interface_name; /* "quern:llm/inference@0.1.0" */
  qb_bytes name;
  bool resource;
} qb_interface_item;

/* Types as in wasm::RawType, one byte each. */
typedef struct qb_raw_item {
  qb_bytes module;
  qb_bytes name;
  qb_bytes parameters;
  qb_bytes results;
  bool waits; /* else it never says QB_RAW_PENDING, and has no waker and no printer */
} qb_raw_item;

typedef struct qb_host {
  void* host;
  const qb_interface_item* items; /* callbacks name them by their index */
  size_t item_count;
  const qb_raw_item* raw; /* callbacks name them by their index */
  size_t raw_count;
  const qb_pair* advice; /* the beginning of an import, and what to say when nobody provides it */
  size_t advice_count;
} qb_host;

/* Takes host.host in every case. */
qb_error qb_link(const qb_engine* engine, const qb_program* program, const qb_host* host,
                 qb_linked** out);
/* Of a component: a line for each function that it exports, "INSTANCE\tNAME\tTYPE\n" (UTF-8), the
 * instance empty where it is the component's own, the type as WIT has it with all names replaced by
 * what they stand for. Of a module: nothing. */
qb_error qb_linked_functions(const qb_linked* linked, qb_buffer* out);
void qb_linked_free(qb_linked* linked);

/* ---- instances ---------------------------------------------------------------------------- */

typedef struct qb_directory {
  qb_bytes host;
  qb_bytes guest;
  bool writable;
} qb_directory;

typedef enum { QB_OUT_NULL = 0, QB_OUT_INHERIT = 1, QB_OUT_SINK = 2, QB_OUT_PIPE = 3 } qb_output;

typedef struct qb_sandbox {
  void* instance;
  const qb_bytes* args;
  size_t arg_count;
  const qb_pair* env;
  size_t env_count;
  const qb_directory* directories;
  size_t directory_count;
  bool network; /* ask instance_allow_*; else deny */
  bool inherit_in;
  uint32_t out; /* qb_output */
  uint32_t err;
  int32_t out_pipe; /* where out is QB_OUT_PIPE: its writing end, open until the instance is gone */
  uint64_t memory_bytes;
  uint32_t table_elements;
  uint64_t wall_ms;
  uint64_t cpu_ms;
  uint32_t handles;
  uint64_t output_bytes;
  qb_bytes record_file;    /* empty: nothing is recorded */
  qb_bytes record_program; /* what the recording says the program is called */
  uint64_t record_bytes;   /* limit of all recordings of the engine together */
} qb_sandbox;

/* All take sandbox.instance (and `run` or `sink`) in every case; what is wrong is told through
 * run_done or sink_fail. */
qb_running* qb_run(const qb_linked* linked, const qb_sandbox* sandbox, void* run);
qb_running* qb_invoke(const qb_linked* linked, const qb_sandbox* sandbox, void* run,
                      qb_bytes function, const qb_bytes* arguments, size_t count);
/* A component's function; `instance` as qb_linked_functions tells it. Arguments, and the results in
 * run_done's text, are as docs/formats/bridge-values.md has them. */
qb_running* qb_call_export(const qb_linked* linked, const qb_sandbox* sandbox, void* run,
                           qb_bytes instance, qb_bytes function, qb_bytes arguments);
void qb_running_cancel(qb_running* running, uint32_t error_kind, qb_bytes message);
/* Ends the run if it still runs. */
void qb_running_free(qb_running* running);

qb_error qb_measure_start(const qb_linked* linked, const qb_sandbox* sandbox,
                          uint64_t* nanoseconds);

/* ---- instances that stay ------------------------------------------------------------------ */

typedef struct qb_resident qb_resident;
/* Where its memory lies, until it runs or grows again; filled also when a call fails. */
typedef struct qb_view {
  uint8_t* memory;
  size_t size;
} qb_view;

/* Of a module; started as a library is (_initialize where it imports WASI, else __wasm_call_ctors).
 * Takes sandbox.instance. wall_ms bounds the start, cpu_ms each call. It is of one thread at a time:
 * all of this blocks, and callbacks come from the calling thread. Not from a worker thread. */
qb_error qb_resident_new(const qb_linked* linked, const qb_sandbox* sandbox, qb_view* view,
                         qb_resident** out);
/* A function of so many i32, and of one i32 as its result or none. */
qb_error qb_resident_find(qb_resident* resident, qb_bytes name, uint32_t parameters, bool result,
                          uint32_t* out);
/* After an error of a call the instance is good for nothing but qb_resident_free. */
qb_error qb_resident_call(qb_resident* resident, uint32_t function, const uint32_t* arguments,
                          size_t count, qb_view* view, uint32_t* out);
/* By pages of 64 KiB; `out`: where they begin. resource_exhausted harms nothing. */
qb_error qb_resident_grow(qb_resident* resident, uint32_t pages, qb_view* view, uint32_t* out);
void qb_resident_free(qb_resident* resident);

/* The same of a component, whose values are as docs/formats/bridge-values.md has them. wall_ms bounds
 * the start, and each call with all its waiting; cpu_ms each call. Threads and errors as above. */
typedef struct qb_component qb_component;
qb_error qb_component_new(const qb_linked* linked, const qb_sandbox* sandbox, qb_component** out);
/* `instance`: the interface that is exported, with its version. */
qb_error qb_component_find(qb_component* component, qb_bytes instance, qb_bytes name,
                           uint32_t* out);
qb_error qb_component_call(qb_component* component, uint32_t function, qb_bytes arguments,
                           qb_buffer* out);
void qb_component_free(qb_component* component);

/* ---- recordings --------------------------------------------------------------------------- */

typedef enum {
  QB_RECORDED_WHAT = 0, /* "run", "invocation" or "exchange" */
  QB_RECORDED_DIGEST = 1,
  QB_RECORDED_PROGRAM = 2,
  QB_RECORDED_ENGINE = 3, /* as qb_engine_describe begins */
  QB_RECORDED_FOLDER = 4, /* in which the program was so named */
  QB_RECORDED_WORD = 5    /* each argument; of an exchange its method and target */
} qb_recorded_fact;
/* Reads its beginning: a damaged one is corrupt_data. Calls `tell` during the call. */
qb_error qb_recording_describe(qb_bytes path, void* target,
                               void (*tell)(void* target, uint32_t fact, qb_bytes text));

typedef enum { QB_SAME = 0, QB_DIVERGED = 1, QB_BROKEN_OFF = 2 } qb_verdict;
typedef struct qb_replayed {
  uint32_t verdict; /* qb_verdict; replay_done's message says where and why */
  uint64_t calls;
  uint32_t end_kind; /* how the guest ended: as qb_error's kind, exit code and text */
  int32_t exit_code;
  qb_bytes end;
  qb_bytes response; /* of an exchange, as HTTP/1.1 */
} qb_replayed;

/* Runs the program again with the recording in the world's place. Of the sandbox only the outputs
 * count. Takes sandbox.instance and `replay`; what is wrong is told through replay_done. */
qb_error qb_replay(const qb_engine* engine, const qb_program* program, qb_bytes path,
                   const qb_sandbox* sandbox, void* replay, qb_running** out);

/* ---- HTTP --------------------------------------------------------------------------------- */

typedef struct qb_request {
  qb_bytes method;
  qb_bytes scheme;
  qb_bytes authority;
  qb_bytes target;
  const qb_pair* headers;
  size_t header_count;
  bool has_body;
} qb_request;

qb_exchange* qb_handle(const qb_linked* linked, const qb_sandbox* sandbox,
                       const qb_request* request, void* sink);
void qb_exchange_push(qb_exchange* exchange, qb_bytes chunk, void* taken);
void qb_exchange_end_body(qb_exchange* exchange);
void qb_exchange_abort_body(qb_exchange* exchange);
void qb_exchange_cancel(qb_exchange* exchange, uint32_t error_kind, qb_bytes message);
void qb_exchange_free(qb_exchange* exchange);

/* ---- calls from guests -------------------------------------------------------------------- */

/* The arguments, encoded as in docs/formats/bridge-values.md; valid until the call is answered. */
qb_bytes qb_call_arguments(const qb_call* call);
/* Each takes the call. `waitables` are those that the results name by index. */
void qb_call_resolve(qb_call* call, qb_bytes results, qb_waitable* const* waitables, size_t count);
void qb_call_trap(qb_call* call, qb_bytes message);
/* On the guest's own stdout or stderr, once the call is resolved; one thread at a time. */
void qb_call_print(qb_call* call, uint32_t stream /* 1 out, 2 err */, qb_bytes bytes);
/* Unanswered: traps the guest. */
void qb_call_drop(qb_call* call);

/* A waker may be woken any number of times, also after what it wakes is gone. */
qb_waker* qb_waker_new(void* waker_source);
void qb_waker_wake(const qb_waker* waker);
void qb_waker_free(qb_waker* waker);

/* Prints on the guest's behalf, within its budget; when that is used up the call ends the guest. */
void qb_raw_print(void* printer, uint32_t stream /* 1 out, 2 err */, qb_bytes bytes);

/* Of a function that answers at once: more memory, by pages of 64 KiB, which begin at `out`. Then
 * call->memory and its size are others. resource_exhausted: the limit. */
qb_error qb_raw_grow(qb_raw_call* call, uint32_t pages, uint32_t* out);

/* The function has this memory in its hands to write. */
void qb_raw_wrote(void* written, uint32_t at, uint32_t size);

qb_waitable* qb_waitable_new(void);
void qb_waitable_set(const qb_waitable* waitable, bool ready);
void qb_waitable_free(qb_waitable* waitable);

#ifdef __cplusplus
}
#endif

#endif
