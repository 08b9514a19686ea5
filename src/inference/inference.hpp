// inference: one engine, many users.
//
// For:     running language models for every guest of a node on one copy of the weights: models,
//          generations, embeddings, the scheduler that batches them, and the prefix cache that
//          they share. Home of llama.cpp; its headers are included nowhere else.
// Refuses: protocols (no JSON, no HTTP, no WIT here), grants (guestapi decides who may), and
//          looking for model files (catalog gives a path).
// Owns:    an Engine owns its models; each model has one scheduler thread that alone touches the
//          llama context. Generations are owned by the caller and cancel when destroyed.
// Threads: every method may be called from any thread and none of them waits for the model.
//          Callbacks run on the scheduler's thread, outside every lock of this room: they must be
//          short. The only way back in is a wake's own generation: it may read(), re-arm and
//          destroy that one.
// Errors:  invalid_argument, not_found (file), corrupt_data (not a GGUF, truncated), unsupported,
//          resource_exhausted (queue full, context full), deadline_exceeded, cancelled,
//          unavailable.
//
//     auto engine = TRY(Engine::create_local({}));
//     auto model = TRY(engine->load({.name = "smollm2", .path = path}));
//     auto answer = TRY(model->chat(request, {.tenant = "alice"}));
//     for (;;) { answer->on_ready(wake); ...; auto events = TRY(answer->read()); }
#pragma once

#include "base/bytes.hpp"
#include "base/deadline.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quern::inference {

using Token = std::int32_t;

// ---- what is asked -------------------------------------------------------------------------

enum class Role : std::uint8_t { system, developer, user, assistant, tool };

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // a JSON object as text
};

struct Message {
  Role role = Role::user;
  std::string text;
  std::string name;                  // empty: none
  std::string reasoning;             // empty: none
  std::vector<ToolCall> tool_calls;  // role assistant
  std::string tool_call_id;          // role tool
};

struct Tool {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema as text
};

struct ToolChoice {
  enum class Kind : std::uint8_t { automatic, none, required, named } kind = Kind::automatic;
  std::string name;  // with `named`
};

struct ResponseFormat {
  enum class Kind : std::uint8_t { text, json_object, json_schema, grammar } kind = Kind::text;
  std::string source;  // the schema or the GBNF grammar
};

// Absent values take the model's defaults. For their ranges see sampling_ranges.hpp.
struct Sampling {
  std::optional<std::uint32_t> max_tokens;
  std::optional<float> temperature;
  std::optional<std::uint32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repeat_penalty;
  std::optional<std::uint32_t> repeat_last_n;
  std::optional<float> presence_penalty;
  std::optional<float> frequency_penalty;
  std::optional<std::uint32_t> seed;
  std::vector<std::pair<std::uint32_t, float>> logit_bias;
  std::vector<std::string> stop;
  std::optional<std::uint32_t> logprobs;
};

// invalid_argument begins with the first value's name that is out of its range, and says both.
// `vocabulary`: how many tokens the model has.
Result<> check_sampling(const Sampling& sampling, std::uint32_t vocabulary);

struct ChatRequest {
  std::vector<Message> messages;
  Sampling sampling;
  ResponseFormat format;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  std::optional<bool> enable_thinking;
};

struct CompletionRequest {
  std::string prompt;
  Sampling sampling;
  ResponseFormat format;
};

// On whose behalf, and for how long.
struct Caller {
  std::string
      tenant;  // prefix-cache entries are shared within a tenant (policy: see EngineOptions)
  Deadline deadline = Deadline::never();
  std::uint64_t request = 0;  // its number in the log (log::next_request_id); 0: none
};

// ---- what is answered ----------------------------------------------------------------------

struct Content {
  std::string text;
};  // whole UTF-8 characters
struct Reasoning {
  std::string text;
};
struct ToolCallDelta {
  std::uint32_t index = 0;
  std::optional<std::string> id;
  std::optional<std::string> name;
  std::string arguments;
};
struct TokenProbability {
  Token token = 0;
  std::string bytes;  // may be part of a character
  float logprob = 0;  // natural logarithm
};
struct TokenLogprobs {
  TokenProbability chosen;
  std::vector<TokenProbability> top;  // most probable first
};
enum class FinishReason : std::uint8_t { stop, length, tool_calls };
struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;  // of prompt_tokens, taken from the prefix cache
  std::uint32_t completion_tokens = 0;
};
struct Timings {
  double queue_ms = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
};
struct Finished {
  FinishReason reason = FinishReason::stop;
  Usage usage;
  Timings timings;
};
using Event = std::variant<Content, Reasoning, ToolCallDelta, std::vector<TokenLogprobs>, Finished>;

// The prompt does not fit. `prompt_tokens` is the least it can have where it is so long that it was
// not counted. Carried beside the Error because doors tell it in numbers.
struct ContextFull {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t context_tokens = 0;
};

// An answer on its way. One consumer. Destroying it cancels and frees the slot within one step.
class Generation {
 public:
  virtual ~Generation() = default;
  // What has come since the last read; empty when nothing has. Finished is the last event; after
  // it, or after an error, every read is `cancelled`. Request errors arrive here.
  virtual Result<std::vector<Event>> read() = 0;
  // Calls `wake` once: at once if read() has something (an error or `cancelled` is something), else
  // when it will. Replaces and destroys an earlier one.
  virtual void on_ready(std::function<void()> wake) = 0;
  // Ends the answer early: what was already made can be read, then Finished.
  virtual void cancel() = 0;
  // What was computed until now, so that a generation that is dropped or fails is metered as well.
  virtual Usage usage() const = 0;
  // Set when read() failed because the prompt does not fit.
  virtual std::optional<ContextFull> context_full() const = 0;
};

struct ModelInfo {
  std::string name;
  std::string architecture;
  std::uint64_t parameters = 0;
  Bytes size;
  std::uint32_t context_tokens = 0;  // that one sequence may hold here
  std::uint32_t embedding_length = 0;
  std::uint32_t vocabulary = 0;
  bool chat = false;          // the file has a chat template
  std::string digest;         // "sha256:..." or empty
  std::uint64_t created = 0;  // seconds since 1970
};

// Vectors on their way. Destroying it cancels: what is waiting is not begun.
class Embedding {
 public:
  virtual ~Embedding() = default;
  // What was computed until now.
  virtual Usage usage() const = 0;
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  // unit length, one per input
  std::uint32_t prompt_tokens = 0;
};

// How busy a model is, for metrics and tests. A snapshot.
struct ModelLoad {
  std::uint32_t running = 0;        // sequences in the batch
  std::uint32_t waiting = 0;        // admitted, not yet in the batch
  std::uint32_t cached_tokens = 0;  // tokens held by the prefix cache
  std::uint32_t texts_waiting = 0;  // to be embedded, those of the batch under way included
  std::uint64_t prompt_tokens_total = 0;
  std::uint64_t cached_prompt_tokens_total = 0;
  std::uint64_t completion_tokens_total = 0;
  std::uint64_t embedded_tokens_total = 0;
  // How long the step under way has lasted; 0 where none is. A step that is right ends within
  // seconds: no other answer of the model goes on meanwhile.
  std::chrono::milliseconds step{0};
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelInfo& info() const = 0;
  // Fails at once only with resource_exhausted (queue full) or unavailable (shutting down).
  virtual Result<std::unique_ptr<Generation>> chat(ChatRequest request, Caller caller) = 0;
  virtual Result<std::unique_ptr<Generation>> complete(CompletionRequest request,
                                                       Caller caller) = 0;
  // `done` is called exactly once, possibly before embed returns; with `cancelled` when the
  // Embedding went first. Callers take turns, one batch at a time.
  virtual std::unique_ptr<Embedding> embed(std::vector<std::string> texts, Caller caller,
                                           std::function<void(Result<Embeddings>)> done) = 0;
  virtual Result<std::vector<Token>> tokenize(std::string_view text, bool special) const = 0;
  virtual Result<std::string> detokenize(const std::vector<Token>& tokens) const = 0;
  // Of a conversation far too long for the context: the least it can have.
  virtual Result<std::uint32_t> count_tokens(const ChatRequest& request) const = 0;
  virtual ModelLoad load() const = 0;
};

// LoRA weights that are added to a model's own (arXiv:2106.09685), in force for all who use it.
struct Adapter {
  std::filesystem::path path;  // a GGUF file made for this model
  float scale = 1;             // of what it adds
};

struct ModelSource {
  std::string name;            // how callers ask for it
  std::filesystem::path path;  // a GGUF file
  std::string digest;          // "sha256:..." where the catalog knows it; of adapters, too
  std::vector<Adapter> adapters;
};

enum class CacheSharing : std::uint8_t { nobody, same_tenant, everybody };

struct EngineOptions {
  // 0: the model's own training length, but at most 8192 and what memory allows.
  std::uint32_t context_tokens = 0;
  // Sequences decoded together. The context is shared among them and the prefix cache.
  std::uint32_t max_running = 16;
  // Admitted requests that wait for a slot; more are refused with resource_exhausted.
  std::uint32_t max_waiting = 512;
  // Prompt tokens computed between two decode steps of the others.
  std::uint32_t prefill_chunk = 256;
  // 0: the physical cores this process may use.
  std::uint32_t threads = 0;
  // Tokens of prompts that are kept for whoever begins alike. 0 switches the prefix cache off.
  std::uint32_t cache_tokens = 16384;
  // Memory for those of them that lie outside the context; a token takes from ten kilobytes to some
  // hundreds, by model. What does not fit is forgotten, the least recently used first.
  Bytes cache_memory = 1_GiB;
  CacheSharing cache_sharing = CacheSharing::same_tenant;
  // Unread events of one generation; a reader slower than this pauses its own slot only.
  std::uint32_t max_unread_events = 256;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // invalid_argument: an adapter for another model; unsupported: a kind that is not applied here.
  virtual Result<std::shared_ptr<Model>> load(ModelSource source) = 0;
  // A loaded model by name; not_found otherwise.
  virtual Result<std::shared_ptr<Model>> find(std::string_view name) const = 0;
  virtual std::vector<ModelInfo> models() const = 0;
  // "cascadelake, 2 threads": the kernels in use, for doctor and logs.
  virtual std::string device() const = 0;

  // In this process, on llama.cpp.
  static Result<std::unique_ptr<Engine>> create_local(EngineOptions options);
};

// The library that create_local() runs on; build 0: it does not say.
struct LibraryVersion {
  std::uint32_t build = 0;
  std::string_view commit;
};
LibraryVersion library_version();

// ---- the fake ------------------------------------------------------------------------------

// What a FakeModel says to a prompt, or a conversation's last message, that contains `when` (empty:
// any); first match wins.
struct ScriptLine {
  std::string when;
  std::vector<Event> events;   // Finished is added when missing
  std::optional<Error> error;  // said instead, on the first read
  std::chrono::milliseconds delay_per_event{0};
};

// Such lines out of JSON (see fake_script.cpp): what --fake-model reads. invalid_argument names the
// entry (from 1) and what is wrong with it.
Result<std::vector<ScriptLine>> parse_fake_script(std::string_view json);

// An Engine without weights: chat, complete and embed answer from the script; tokens are words.
// For the tests of every other room and for `--fake-model`.
std::unique_ptr<Engine> make_fake_engine(std::string model_name, std::vector<ScriptLine> script);

}  // namespace quern::inference
