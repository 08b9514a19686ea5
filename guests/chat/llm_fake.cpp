#include "llm_fake.hpp"

#include <array>
#include <utility>

namespace quern::chat {
namespace {

constexpr std::array<std::string_view, 10> kErrorKinds = {
    "invalid_argument", "model_not_found",   "permission_denied", "context_full", "overloaded",
    "budget_exhausted", "deadline_exceeded", "cancelled",         "unsupported",  "internal"};

llm::Error to_error(const Json& json) {
  llm::Error error;
  for (std::size_t i = 0; i < kErrorKinds.size(); ++i) {
    if (json["kind"] == kErrorKinds[i]) error.kind = static_cast<llm::ErrorKind>(i);
  }
  error.text = json.value("text", "");
  error.prompt_tokens = json.value("prompt_tokens", 0U);
  error.context_tokens = json.value("context_tokens", 0U);
  error.retry_ms = json.value("retry_ms", 0U);
  return error;
}

llm::TokenProbability to_probability(const Json& json) {
  return {.token = json.value("token", 0U),
          .bytes = json.value("bytes", ""),
          .logprob = json.value("logprob", 0.0F)};
}

llm::Event to_logprobs(const Json& json) {
  llm::Logprobs list;
  for (const Json& one : json) {
    llm::TokenLogprobs token{.chosen = to_probability(one), .top = {}};
    for (const Json& other : one.value("top", Json::array())) {
      token.top.push_back(to_probability(other));
    }
    list.push_back(std::move(token));
  }
  return list;
}

llm::Event to_call(const Json& json) {
  llm::ToolCallDelta delta;
  delta.index = json.value("index", 0U);
  if (json.contains("id")) delta.id = json["id"].get<std::string>();
  if (json.contains("name")) delta.name = json["name"].get<std::string>();
  delta.arguments = json.value("arguments", "");
  return delta;
}

llm::Event to_event(const Json& json) {
  if (json.contains("content")) return llm::Content{json["content"].get<std::string>()};
  if (json.contains("reasoning")) return llm::Reasoning{json["reasoning"].get<std::string>()};
  if (json.contains("call")) return to_call(json["call"]);
  if (json.contains("logprobs")) return to_logprobs(json["logprobs"]);
  llm::Summary summary;
  const std::string reason = json["finished"].get<std::string>();
  if (reason == "length") summary.reason = llm::FinishReason::length;
  if (reason == "tool_calls") summary.reason = llm::FinishReason::tool_calls;
  summary.usage = {.prompt_tokens = json.value("prompt", 10U),
                   .cached_tokens = json.value("cached", 4U),
                   .completion_tokens = json.value("completion", 2U)};
  summary.timings = {.queue_ms = 1, .prefill_ms = 12, .decode_ms = 40};
  return summary;
}

class FakeGeneration final : public llm::Generation {
 public:
  explicit FakeGeneration(Json answer) : answer_(std::move(answer)) {}

  llm::Result<std::vector<llm::Event>> read() override {
    if (next_ == answer_["batches"].size()) {
      return tl::unexpected(to_error(answer_.value("error", Json{{"kind", "cancelled"}})));
    }
    std::vector<llm::Event> events;
    for (const Json& event : answer_["batches"][next_]) events.push_back(to_event(event));
    ++next_;
    return events;
  }
  llm::Result<std::vector<llm::Event>> blocking_read() override { return read(); }

 private:
  Json answer_;
  std::size_t next_ = 0;
};

llm::ModelInfo tiny() {
  return {.name = "tiny",
          .architecture = "llama",
          .parameters = 135'000'000,
          .size_bytes = 98'000'000,
          .context_tokens = 2048,
          .embedding_length = 2,
          .vocabulary = 49152,
          .chat = true,
          .digest = "sha256:0123456789abcdef",
          .created = 1'760'000'000};
}

// Writes down what was asked, leaving out what has its default.
class Notes {
 public:
  explicit Notes(std::string& out) : out_(out) {}

  void line(std::string_view text) { out_ += std::string(text) + "\n"; }

  template <class Value>
  void option(std::string_view name, const std::optional<Value>& value) {
    if (value) line("  " + std::string(name) + " " + to_text(Json(*value)));
  }

  void sampling(const llm::Sampling& s) {
    option("max_tokens", s.max_tokens);
    option("temperature", s.temperature);
    option("top_k", s.top_k);
    option("top_p", s.top_p);
    option("min_p", s.min_p);
    option("repeat_penalty", s.repeat_penalty);
    option("repeat_last_n", s.repeat_last_n);
    option("presence_penalty", s.presence_penalty);
    option("frequency_penalty", s.frequency_penalty);
    option("seed", s.seed);
    option("logprobs", s.logprobs);
    option("timeout_ms", s.timeout_ms);
    if (!s.stop.empty()) line("  stop " + to_text(Json(s.stop)));
    for (const auto& [token, bias] : s.logit_bias) {
      line("  logit_bias " + std::to_string(token) + " " + to_text(Json(bias)));
    }
  }

  void format(const llm::Format& format) {
    constexpr std::array<std::string_view, 4> kNames = {"text", "json_object", "json_schema",
                                                        "grammar"};
    if (format.kind == llm::Format::Kind::text) return;
    line("  format " + std::string(kNames[static_cast<std::size_t>(format.kind)]) + " " +
         format.source);
  }

  void message(const llm::Message& message) {
    constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                        "tool"};
    line("  " + std::string(kRoles[static_cast<std::size_t>(message.role)]));
    for (const llm::Part& part : message.content) {
      const bool text = part.kind == llm::Part::Kind::text;
      line(text ? "    text " + to_text(Json(part.data))
                : "    " + part.mime_type + " " + std::to_string(part.data.size()) + " bytes");
    }
    option("  name", message.name);
    option("  reasoning", message.reasoning);
    option("  tool_call_id", message.tool_call_id);
    for (const llm::ToolCall& call : message.tool_calls) {
      line("    call " + call.id + " " + call.name + " " + call.arguments);
    }
  }

  void options(const llm::ChatOptions& options) {
    constexpr std::array<std::string_view, 4> kChoices = {"auto", "none", "required", "named"};
    sampling(options.sampling);
    format(options.format);
    for (const llm::Tool& tool : options.tools) {
      line("  tool " + tool.name + " " + to_text(Json(tool.description)) + " " + tool.parameters);
    }
    const auto choice = static_cast<std::size_t>(options.tool_choice.kind);
    if (choice != 0) {
      line("  tool_choice " + std::string(kChoices[choice]) + " " + options.tool_choice.name);
    }
    if (!options.parallel_tool_calls) line("  one call at a time");
    option("enable_thinking", options.enable_thinking);
  }

 private:
  std::string& out_;
};

class FakeModel final : public llm::Model {
 public:
  FakeModel(const Json& script, std::string& asked) : script_(script), notes_(asked) {}

  llm::ModelInfo info() override { return tiny(); }

  llm::Result<std::unique_ptr<llm::Generation>> chat(const std::vector<llm::Message>& messages,
                                                     const llm::ChatOptions& options) override {
    notes_.line("chat");
    for (const llm::Message& message : messages) notes_.message(message);
    notes_.options(options);
    return next_answer();
  }

  llm::Result<std::unique_ptr<llm::Generation>> complete(std::string_view prompt,
                                                         const llm::Sampling& sampling,
                                                         const llm::Format& format) override {
    notes_.line("complete " + to_text(Json(prompt)));
    notes_.sampling(sampling);
    notes_.format(format);
    return next_answer();
  }

  llm::Result<llm::Embeddings> embed(const std::vector<std::string>& texts) override {
    notes_.line("embed " + to_text(Json(texts)));
    if (script_.contains("refuse")) return tl::unexpected(to_error(script_["refuse"]));
    llm::Embeddings result;
    result.prompt_tokens = 5;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      result.vectors.push_back(script_["vectors"][i].get<std::vector<float>>());
    }
    return result;
  }

  llm::Result<std::string> detokenize(std::span<const std::uint32_t> tokens) override {
    notes_.line("detokenize " + std::to_string(tokens.size()) + " tokens");
    return script_.value("bytes", "?");
  }

 private:
  llm::Result<std::unique_ptr<llm::Generation>> next_answer() {
    const Json& answers = script_["answers"];
    const Json& answer = answers[std::min(started_++, answers.size() - 1)];
    if (answer.contains("refuse")) return tl::unexpected(to_error(answer["refuse"]));
    return std::make_unique<FakeGeneration>(answer);
  }

  const Json& script_;
  Notes notes_;
  std::size_t started_ = 0;
};

}  // namespace

std::vector<llm::ModelInfo> FakeModels::granted() { return {tiny()}; }

llm::Result<std::unique_ptr<llm::Model>> FakeModels::open(std::string_view name) {
  if (script_.contains("open")) return tl::unexpected(to_error(script_["open"]));
  if (name != "tiny" && name != "default") {
    return tl::unexpected(llm::Error{.kind = llm::ErrorKind::model_not_found, .text = {}});
  }
  return std::make_unique<FakeModel>(script_, asked_);
}

// One at a time, in turns, so that answers are seen to interleave.
std::vector<std::size_t> FakeModels::wait_any(std::span<llm::Generation* const> generations) {
  return {turn_++ % generations.size()};
}

}  // namespace quern::chat
