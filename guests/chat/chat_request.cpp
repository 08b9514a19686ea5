#include "chat_request.hpp"

#include "fields.hpp"
#include "message_request.hpp"
#include "tool_request.hpp"

namespace quern::chat {
namespace {

std::optional<std::uint32_t> read_max_tokens(Fields& fields) {
  constexpr IntRange kRange{.min = 1, .max = 0x7FFF'FFFF};
  const auto older = fields.count("max_tokens", kRange);
  const auto newer = fields.count("max_completion_tokens", kRange);
  if (older && newer) {
    fields.error("max_tokens", "invalid_parameter_combination",
                 "'max_tokens' and 'max_completion_tokens' cannot both be given.");
  }
  return newer ? newer : older;
}

std::optional<std::uint32_t> read_logprobs(Fields& fields) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.count("top_logprobs", int_range_of(inference::SamplingRanges::logprobs));
  if (top && !wanted) {
    fields.error("top_logprobs", "invalid_value",
                 "'top_logprobs' is only allowed when 'logprobs' is true.");
  }
  if (!wanted) return {};
  return top.value_or(0);
}

// Three spellings of one switch: ours, llama.cpp's template arguments, OpenAI's effort.
std::optional<bool> read_thinking(Fields& fields, FirstError& error) {
  auto thinking = fields.boolean("enable_thinking");
  if (const Json* const arguments = fields.object("chat_template_kwargs")) {
    Fields inner(*arguments, "chat_template_kwargs", error);
    if (const auto inside = inner.boolean("enable_thinking")) thinking = inside;
    inner.refuse_others();
  }
  const auto effort =
      fields.word("reasoning_effort", {"none", "minimal", "low", "medium", "high", "xhigh"});
  if (effort && !thinking) thinking = *effort != "none";
  return thinking;
}

void refuse_what_cannot_be_done(Fields& fields) {
  if (const Json* const modalities = fields.array("modalities")) {
    if (*modalities != Json::array({"text"})) {
      fields.error("modalities", "unsupported_value", "Only [\"text\"] is supported here.");
    }
  }
  fields.refuse("audio", "Answers are text here.");
  fields.refuse("web_search_options", "This server reaches no network.");
  fields.ignore({"prediction", "verbosity"});
}

}  // namespace

Outcome<ChatRequest> read_chat_request(std::string_view body) {
  const Json json = CHAT_TRY(read_json_object(body));
  FirstError error;
  Fields fields(json, "", error);
  ChatRequest request;
  request.model = read_model(fields);
  request.messages = read_messages(fields, error);
  request.options.sampling = read_sampling(fields);
  request.options.sampling.max_tokens = read_max_tokens(fields);
  request.options.sampling.logprobs = read_logprobs(fields);
  request.options.format = read_format(fields, error);
  request.options.enable_thinking = read_thinking(fields, error);
  read_tools(fields, error, request.options);
  request.choices = read_choices(fields);
  request.streaming = read_stream_options(fields, error);
  refuse_what_cannot_be_done(fields);
  ignore_bookkeeping(fields);
  fields.refuse_others();
  if (error.set()) return fail(error.take());
  return request;
}

}  // namespace quern::chat
