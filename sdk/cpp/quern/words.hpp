// quern:llm's words as plain C++. llm.wit is the source of truth and says what each value means.
#pragma once

#include <version>

#ifdef __cpp_lib_expected
#include <expected>
#else
#include <tl/expected.hpp>
#endif

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quern::llm {

enum class ErrorKind : std::uint8_t {
  invalid_argument,
  model_not_found,
  permission_denied,
  context_full,
  overloaded,
  budget_exhausted,
  deadline_exceeded,
  cancelled,
  unsupported,
  internal,
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string text;
  std::uint32_t prompt_tokens = 0;   // context_full
  std::uint32_t context_tokens = 0;  // context_full
  std::uint32_t retry_ms = 0;        // overloaded
};

// std::expected where the library has it (C++23), the same by tl::expected where it has not.
#ifdef __cpp_lib_expected
template <class T>
using Result = std::expected<T, Error>;
inline std::unexpected<Error> failed(Error error) { return std::unexpected(std::move(error)); }
#else
template <class T>
using Result = tl::expected<T, Error>;
inline tl::unexpected<Error> failed(Error error) { return tl::unexpected(std::move(error)); }
#endif

enum class Role : std::uint8_t { system, developer, user, assistant, tool };

struct Part {
  enum class Kind : std::uint8_t { text, image, audio };
  Kind kind = Kind::text;
  std::string data;       // text, or the raw bytes
  std::string mime_type;  // image and audio
};

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;
};

struct Message {
  Role role = Role::user;
  std::vector<Part> content;
  std::optional<std::string> name;
  std::optional<std::string> reasoning;
  std::vector<ToolCall> tool_calls;
  std::optional<std::string> tool_call_id;
};

struct Tool {
  std::string name;
  std::string description;
  std::string parameters;
};

struct ToolChoice {
  enum class Kind : std::uint8_t { automatic, none, required, named };
  Kind kind = Kind::automatic;
  std::string name;  // named
};

struct Format {
  enum class Kind : std::uint8_t { text, json_object, json_schema, grammar };
  Kind kind = Kind::text;
  std::string source;  // json_schema and grammar
};

struct Sampling {
  std::optional<std::uint32_t> max_tokens = {};
  std::optional<float> temperature = {};
  std::optional<std::uint32_t> top_k = {};
  std::optional<float> top_p = {};
  std::optional<float> min_p = {};
  std::optional<float> repeat_penalty = {};
  std::optional<std::uint32_t> repeat_last_n = {};
  std::optional<float> presence_penalty = {};
  std::optional<float> frequency_penalty = {};
  std::optional<std::uint32_t> seed = {};
  std::vector<std::pair<std::uint32_t, float>> logit_bias = {};
  std::vector<std::string> stop = {};
  std::optional<std::uint32_t> logprobs = {};
  std::optional<std::uint32_t> timeout_ms = {};
};

struct ChatOptions {
  Sampling sampling;
  Format format;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  std::optional<bool> enable_thinking;
};

enum class FinishReason : std::uint8_t { stop, length, tool_calls };

struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t completion_tokens = 0;
};

struct Timings {
  double queue_ms = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
};

struct TokenProbability {
  std::uint32_t token = 0;
  std::string bytes;
  float logprob = 0;
};

struct TokenLogprobs {
  TokenProbability chosen;
  std::vector<TokenProbability> top;
};

struct Content {
  std::string text;
};
struct Reasoning {
  std::string text;
};
struct ToolCallDelta {
  std::uint32_t index = 0;
  std::optional<std::string> id;
  std::optional<std::string> name;
  std::string arguments;
};
using Logprobs = std::vector<TokenLogprobs>;
struct Summary {
  FinishReason reason = FinishReason::stop;
  Usage usage;
  Timings timings;
};
using Event = std::variant<Content, Reasoning, ToolCallDelta, Logprobs, Summary>;

struct ModelInfo {
  std::string name;
  std::string architecture;
  std::uint64_t parameters = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t context_tokens = 0;
  std::uint32_t embedding_length = 0;
  std::uint32_t vocabulary = 0;
  bool chat = false;
  std::optional<std::string> digest;
  std::uint64_t created = 0;
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;
  std::uint32_t prompt_tokens = 0;
};

}  // namespace quern::llm
