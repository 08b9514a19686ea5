#include "inference/plain_tools.hpp"

#include "inference/grammar.hpp"
#include "inference/tool_call_ids.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace quern::inference {
namespace {

using Json = nlohmann::ordered_json;

std::string describe(const std::vector<Tool>& tools) {
  std::string text =
      "You can call these tools. To call, answer with nothing but a JSON object of the form "
      "{\"tool_calls\": [{\"name\": NAME, \"arguments\": ARGUMENTS}]}.\n";
  for (const Tool& tool : tools) {
    const Json parameters =
        Json::parse(tool.parameters.empty() ? "{}" : tool.parameters, nullptr, false);
    text += Json{{"name", tool.name}, {"description", tool.description}, {"parameters", parameters}}
                .dump(-1, ' ', false, Json::error_handler_t::replace) +
            "\n";
  }
  return text;
}

Json arguments_of(const ToolCall& call) {
  Json arguments = Json::parse(call.arguments, nullptr, false);
  return arguments.is_discarded() ? Json::object() : arguments;
}

Message told(const Message& message) {
  Message plain = message;
  if (message.role == Role::tool) {
    plain.role = Role::user;
    plain.text = "Result of the tool" + (message.name.empty() ? "" : " " + message.name) + ": " +
                 message.text;
    plain.tool_call_id.clear();
  }
  if (!message.tool_calls.empty()) {
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) {
      calls.push_back({{"name", call.name}, {"arguments", arguments_of(call)}});
    }
    plain.text += Json{{"tool_calls", calls}}.dump(-1, ' ', false, Json::error_handler_t::replace);
    plain.tool_calls.clear();
  }
  return plain;
}

class CallsParser final : public AnswerParser {
 public:
  std::vector<Event> add(std::string_view text) override {
    held_ += text;
    if (may_be_call()) return {};
    return flush();
  }

  std::vector<Event> end(End /*end*/) override {
    const Json answer = Json::parse(held_, nullptr, false);
    if (!answer.is_object() || !answer.contains("tool_calls") ||
        !answer.at("tool_calls").is_array()) {
      return flush();
    }
    std::vector<Event> events;
    for (const Json& call : answer.at("tool_calls")) {
      if (!call.is_object() || !call.contains("name") || !call.at("name").is_string()) continue;
      const Json arguments = call.value("arguments", Json::object());
      events.emplace_back(ToolCallDelta{
          .index = calls_++,
          .id = make_tool_call_id(),
          .name = call.at("name").get<std::string>(),
          .arguments = arguments.dump(-1, ' ', false, Json::error_handler_t::replace)});
    }
    held_.clear();
    return events;
  }

  bool calls_tools() const override { return calls_ > 0; }

 private:
  // Does what is held begin as a call does, white space aside?
  bool may_be_call() const {
    if (told_) return false;
    constexpr std::string_view kBegin = "{\"tool_calls\"";
    std::size_t matched = 0;
    for (const char c : held_) {
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
      if (matched == kBegin.size()) break;
      if (c != kBegin[matched++]) return false;
    }
    return true;
  }

  std::vector<Event> flush() {
    std::vector<Event> events;
    told_ = told_ || !held_.empty();
    if (!held_.empty()) events.emplace_back(Content{std::exchange(held_, {})});
    return events;
  }

  std::string held_;
  bool told_ = false;
  std::uint32_t calls_ = 0;
};

}  // namespace

std::vector<Message> tell_tools(const std::vector<Message>& messages,
                                const std::vector<Tool>& tools) {
  std::vector<Message> plain;
  for (const Message& message : messages) plain.push_back(told(message));
  if (tools.empty()) return plain;
  const bool has_system = !plain.empty() && (plain.front().role == Role::system ||
                                             plain.front().role == Role::developer);
  if (has_system) {
    plain.front().text += "\n\n" + describe(tools);
  } else {
    plain.insert(plain.begin(), Message{.role = Role::system, .text = describe(tools)});
  }
  return plain;
}

std::string schema_of_calls(const std::vector<Tool>& tools, bool parallel) {
  Json kinds = Json::array();
  for (const Tool& tool : tools) {
    Json arguments = {{"type", "object"}};
    if (!tool.parameters.empty() && grammar_of_schema(tool.parameters).ok()) {
      const Json given = Json::parse(tool.parameters);
      // References inside would point to another document's root.
      if (given.contains("type") && tool.parameters.find("$ref") == std::string::npos)
        arguments = given;
    }
    kinds.push_back({{"type", "object"},
                     {"properties", {{"name", {{"const", tool.name}}}, {"arguments", arguments}}},
                     {"required", {"name", "arguments"}},
                     {"additionalProperties", false}});
  }
  Json calls = {{"type", "array"}, {"items", {{"anyOf", kinds}}}, {"minItems", 1}};
  calls["maxItems"] = parallel ? 16 : 1;
  return Json{{"type", "object"},
              {"properties", {{"tool_calls", calls}}},
              {"required", {"tool_calls"}},
              {"additionalProperties", false}}
      .dump();
}

std::unique_ptr<AnswerParser> make_calls_parser() { return std::make_unique<CallsParser>(); }

}  // namespace quern::inference
