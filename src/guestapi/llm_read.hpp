// Arguments of quern:llm calls, from the bridge's flat encoding to inference's types.
//
// One LlmReader reads one call and bounds it as a whole, because what is small in the guest's
// memory can be large in ours: at most kMostText bytes of text and kMostEntries list entries,
// beyond is invalid_argument. Parts that are not text are `unsupported`. A discriminant that the
// contract does not have is guest_trap.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quern::guestapi {

constexpr Bytes kMostText = 8_MiB;              // larger than any context here by far
constexpr std::uint32_t kMostEntries = 65'536;  // messages, parts, tools, calls, stops, biases
constexpr std::uint32_t kMostTokens = 1U << 20U;

// The contract's `sampling` holds a time as well, which is not the model's matter.
struct TimedSampling {
  inference::Sampling sampling;
  std::optional<std::chrono::milliseconds> timeout;
};
struct TimedChat {
  inference::ChatRequest request;
  std::optional<std::chrono::milliseconds> timeout;
};
struct TimedCompletion {
  inference::CompletionRequest request;
  std::optional<std::chrono::milliseconds> timeout;
};

class LlmReader {
 public:
  explicit LlmReader(wasm::ValueReader in) : in_(in) {}

  std::uint32_t resource() { return in_.resource(); }
  bool boolean() { return in_.boolean(); }
  Result<std::string> text();
  Result<std::vector<std::string>> texts();
  Result<std::vector<inference::Token>> tokens();
  Result<TimedChat> chat();              // messages, chat-options
  Result<TimedCompletion> completion();  // prompt, sampling, response-format
  // What is read next, for numbers.
  wasm::ValueReader& values() { return in_; }
  // Bytes of text read until now.
  std::uint64_t text_bytes() const { return text_bytes_; }

 private:
  Result<std::uint32_t> entries();
  Result<std::uint32_t> enumerator(std::uint32_t cases, const char* type);
  Result<std::optional<std::string>> optional_text();
  template <class T, class Read>
  std::optional<T> optional(Read read);

  Result<inference::Message> message();
  Result<std::string> content();
  Result<inference::ToolCall> tool_call();
  Result<inference::Tool> tool();
  Result<inference::ToolChoice> tool_choice();
  Result<inference::ResponseFormat> format();
  Result<TimedSampling> sampling();

  wasm::ValueReader in_;
  std::uint64_t text_bytes_ = 0;
  std::uint32_t entries_ = 0;
};

}  // namespace quern::guestapi
