#include "delta.hpp"

#include <variant>

namespace quern::chat {
namespace {

class Adder {
 public:
  explicit Adder(Delta& delta) : delta_(delta) {}

  void operator()(const llm::Content& event) { delta_.content += event.text; }
  void operator()(const llm::Reasoning& event) { delta_.reasoning += event.text; }
  void operator()(const llm::Logprobs& event) {
    delta_.logprobs.insert(delta_.logprobs.end(), event.begin(), event.end());
  }
  void operator()(const llm::Summary& event) { delta_.summary = event; }
  void operator()(const llm::ToolCallDelta& event) {
    const bool joins = !delta_.calls.empty() && delta_.calls.back().index == event.index &&
                       !event.id && !event.name;
    if (joins) {
      delta_.calls.back().arguments += event.arguments;
    } else {
      delta_.calls.push_back(event);
    }
  }

 private:
  Delta& delta_;
};

}  // namespace

Delta sum_up(const std::vector<llm::Event>& events) {
  Delta delta;
  Adder adder(delta);
  for (const llm::Event& event : events) std::visit(adder, event);
  return delta;
}

}  // namespace quern::chat
