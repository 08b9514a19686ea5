#include "completion_request.hpp"

#include "fields.hpp"
#include "tool_request.hpp"

namespace quern::chat {
namespace {

// OpenAI's default, which surprises people but is the API.
constexpr std::uint32_t kDefaultMaxTokens = 16;

void refuse_what_cannot_be_done(Fields& fields, const CompletionRequest& request) {
  if (const auto suffix = fields.text("suffix"); suffix && !suffix->empty()) {
    fields.error("suffix", "unsupported_parameter",
                 "Unsupported parameter: 'suffix'. Text is continued here, not filled in.");
  }
  if (fields.count("best_of", {.min = 1, .max = 20}).value_or(1) != 1) {
    fields.error("best_of", "unsupported_value", "'best_of' other than 1 is not supported here.");
  }
  if (request.echo && request.sampling.logprobs) {
    fields.error("echo", "unsupported_value",
                 "'echo' with 'logprobs' is not supported: prompts get no log probabilities.");
  }
}

}  // namespace

Outcome<CompletionRequest> read_completion_request(std::string_view body) {
  const Json json = CHAT_TRY(read_json_object(body));
  FirstError error;
  Fields fields(json, "", error);
  CompletionRequest request;
  request.model = read_model(fields);
  request.prompts = read_prompts(fields, "prompt", kMaxPrompts);
  request.sampling = read_sampling(fields);
  request.sampling.max_tokens =
      fields.count("max_tokens", int_range_of(inference::SamplingRanges::max_tokens))
          .value_or(kDefaultMaxTokens);
  request.sampling.logprobs =
      fields.count("logprobs", int_range_of(inference::SamplingRanges::logprobs));
  request.format = read_format(fields, error);
  request.choices = read_choices(fields);
  request.echo = fields.boolean("echo").value_or(false);
  request.streaming = read_stream_options(fields, error);
  refuse_what_cannot_be_done(fields, request);
  ignore_bookkeeping(fields);
  fields.refuse_others();
  if (error.set()) return fail(error.take());
  return request;
}

}  // namespace quern::chat
