#include "guestapi/llm_read.hpp"

#include <utility>

namespace quern::guestapi {

using namespace inference;  // NOLINT(google-build-using-namespace): this file is the mapping

Result<std::string> LlmReader::text() {
  const std::string_view text = in_.text();
  text_bytes_ += text.size();
  if (text_bytes_ > kMostText.count) {
    return fail(ErrorKind::invalid_argument,
                "more than " + to_string(kMostText) + " of text in one call");
  }
  return std::string(text);
}

Result<std::uint32_t> LlmReader::entries() {
  const std::uint32_t count = in_.count();
  if (count > kMostEntries - entries_) {
    return fail(ErrorKind::invalid_argument,
                "more than " + std::to_string(kMostEntries) + " list entries in one call");
  }
  entries_ += count;
  return count;
}

Result<std::uint32_t> LlmReader::enumerator(std::uint32_t cases, const char* type) {
  const std::uint32_t value = in_.discriminant();
  if (value < cases) return value;
  return fail(ErrorKind::guest_trap, std::string(type) + " has no case " + std::to_string(value));
}

Result<std::optional<std::string>> LlmReader::optional_text() {
  if (!in_.present()) return std::optional<std::string>();
  return std::optional<std::string>(TRY(text()));
}

template <class T, class Read>
std::optional<T> LlmReader::optional(Read read) {
  if (!in_.present()) return std::nullopt;
  return T((in_.*read)());
}

Result<std::vector<std::string>> LlmReader::texts() {
  std::vector<std::string> all;
  for (std::uint32_t left = TRY(entries()); left > 0; --left) all.push_back(TRY(text()));
  return all;
}

Result<std::vector<Token>> LlmReader::tokens() {
  const std::uint32_t count = in_.count();
  if (count > kMostTokens) {
    return fail(ErrorKind::invalid_argument,
                "more than " + std::to_string(kMostTokens) + " tokens in one call");
  }
  std::vector<Token> all;
  all.reserve(count);
  for (std::uint32_t left = count; left > 0; --left) all.push_back(static_cast<Token>(in_.u32()));
  return all;
}

// Parts that follow each other are paragraphs of one message.
Result<std::string> LlmReader::content() {
  std::string joined;
  const std::uint32_t parts = TRY(entries());
  for (std::uint32_t i = 0; i < parts; ++i) {
    const std::uint32_t kind = TRY(enumerator(3, "part"));
    if (kind != 0) {
      return fail(ErrorKind::unsupported, kind == 1 ? "images: the models here read text only"
                                                    : "audio: the models here read text only");
    }
    if (i > 0) joined += '\n';
    joined += TRY(text());
  }
  return joined;
}

Result<ToolCall> LlmReader::tool_call() {
  ToolCall call;
  call.id = TRY(text());
  call.name = TRY(text());
  call.arguments = TRY(text());
  return call;
}

Result<Message> LlmReader::message() {
  constexpr Role kRoles[] = {Role::system, Role::developer, Role::user, Role::assistant,
                             Role::tool};
  Message message;
  message.role = kRoles[TRY(enumerator(std::size(kRoles), "role"))];
  message.text = TRY(content());
  message.name = TRY(optional_text()).value_or("");
  message.reasoning = TRY(optional_text()).value_or("");
  for (std::uint32_t left = TRY(entries()); left > 0; --left) {
    message.tool_calls.push_back(TRY(tool_call()));
  }
  message.tool_call_id = TRY(optional_text()).value_or("");
  return message;
}

Result<Tool> LlmReader::tool() {
  Tool tool;
  tool.name = TRY(text());
  tool.description = TRY(text());
  tool.parameters = TRY(text());
  return tool;
}

Result<ToolChoice> LlmReader::tool_choice() {
  using Kind = ToolChoice::Kind;
  constexpr Kind kKinds[] = {Kind::automatic, Kind::none, Kind::required, Kind::named};
  ToolChoice choice{.kind = kKinds[TRY(enumerator(std::size(kKinds), "tool-choice"))], .name = {}};
  if (choice.kind == Kind::named) choice.name = TRY(text());
  return choice;
}

Result<ResponseFormat> LlmReader::format() {
  using Kind = ResponseFormat::Kind;
  constexpr Kind kKinds[] = {Kind::text, Kind::json_object, Kind::json_schema, Kind::grammar};
  ResponseFormat format{.kind = kKinds[TRY(enumerator(std::size(kKinds), "response-format"))],
                        .source = {}};
  if (format.kind == Kind::json_schema || format.kind == Kind::grammar) {
    format.source = TRY(text());
  }
  return format;
}

Result<TimedSampling> LlmReader::sampling() {
  using In = wasm::ValueReader;
  TimedSampling timed;
  Sampling& to = timed.sampling;
  to.max_tokens = optional<std::uint32_t>(&In::u32);
  to.temperature = optional<float>(&In::f32);
  to.top_k = optional<std::uint32_t>(&In::u32);
  to.top_p = optional<float>(&In::f32);
  to.min_p = optional<float>(&In::f32);
  to.repeat_penalty = optional<float>(&In::f32);
  to.repeat_last_n = optional<std::uint32_t>(&In::u32);
  to.presence_penalty = optional<float>(&In::f32);
  to.frequency_penalty = optional<float>(&In::f32);
  to.seed = optional<std::uint32_t>(&In::u32);
  for (std::uint32_t left = TRY(entries()); left > 0; --left) {
    const std::uint32_t token = in_.u32();
    to.logit_bias.emplace_back(token, in_.f32());
  }
  to.stop = TRY(texts());
  to.logprobs = optional<std::uint32_t>(&In::u32);
  timed.timeout = optional<std::chrono::milliseconds>(&In::u32);
  return timed;
}

Result<TimedChat> LlmReader::chat() {
  TimedChat chat;
  ChatRequest& request = chat.request;
  for (std::uint32_t left = TRY(entries()); left > 0; --left) {
    request.messages.push_back(TRY(message()));
  }
  TimedSampling timed = TRY(sampling());
  request.sampling = std::move(timed.sampling);
  chat.timeout = timed.timeout;
  request.format = TRY(format());
  for (std::uint32_t left = TRY(entries()); left > 0; --left) {
    request.tools.push_back(TRY(tool()));
  }
  request.tool_choice = TRY(tool_choice());
  request.parallel_tool_calls = in_.boolean();
  request.enable_thinking = optional<bool>(&wasm::ValueReader::boolean);
  return chat;
}

Result<TimedCompletion> LlmReader::completion() {
  TimedCompletion completion;
  completion.request.prompt = TRY(text());
  TimedSampling timed = TRY(sampling());
  completion.request.sampling = std::move(timed.sampling);
  completion.timeout = timed.timeout;
  completion.request.format = TRY(format());
  return completion;
}

}  // namespace quern::guestapi
