#include "guestapi/llm_check.hpp"

#include <algorithm>
#include <string>

namespace quern::guestapi {

Result<> check_chat(const inference::ChatRequest& request, const inference::ModelInfo& model) {
  if (request.messages.empty()) {
    return fail(ErrorKind::invalid_argument, "the conversation is empty");
  }
  TRY(inference::check_sampling(request.sampling, model.vocabulary));
  using Kind = inference::ToolChoice::Kind;
  if (request.tool_choice.kind == Kind::required && request.tools.empty()) {
    return fail(ErrorKind::invalid_argument, "tool-choice requires a call, but there are no tools");
  }
  if (request.tool_choice.kind == Kind::named &&
      std::none_of(request.tools.begin(), request.tools.end(), [&](const inference::Tool& tool) {
        return tool.name == request.tool_choice.name;
      })) {
    return fail(ErrorKind::invalid_argument, "tool-choice names \"" + request.tool_choice.name +
                                                 "\", which is not among the tools");
  }
  return {};
}

}  // namespace quern::guestapi
