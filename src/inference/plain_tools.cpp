#include "inference/plain_tools.hpp"

#include "inference/grammar.hpp"

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

}  // namespace quern::inference
