#include "tool_request.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace quern::chat {
namespace {

constexpr std::size_t kMaxTools = 128;
constexpr std::size_t kMaxToolName = 64;

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxToolName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

llm::Tool read_tool(const Json& value, std::string path, FirstError& error) {
  Fields tool(value, std::move(path), error);
  tool.required("type");
  tool.word("type", {"function"});
  Fields function(tool.required("function"), tool.path_of("function"), error);
  llm::Tool result;
  result.name = function.required_text("name");
  if (!is_tool_name(result.name)) {
    function.error("name", "invalid_value",
                   "Invalid '" + function.path_of("name") +
                       "': expected 1 to 64 letters, digits, '_' or '-'.");
  }
  result.description = function.text("description").value_or("");
  const Json* const parameters = function.object("parameters");
  result.parameters =
      parameters == nullptr ? R"({"type":"object","properties":{}})" : to_text(*parameters);
  function.boolean("strict");  // arguments always fit their schema here
  function.refuse_others();
  tool.refuse_others();
  return result;
}

bool has_tool(const std::vector<llm::Tool>& tools, std::string_view name) {
  return std::any_of(tools.begin(), tools.end(), [&](auto& tool) { return tool.name == name; });
}

llm::ToolChoice read_named_choice(Fields& fields, const Json& value, FirstError& error) {
  Fields choice(value, "tool_choice", error);
  choice.required("type");
  choice.word("type", {"function"});
  Fields function(choice.required("function"), "tool_choice.function", error);
  std::string name = function.required_text("name");
  function.refuse_others();
  choice.refuse_others();
  (void)fields;
  return {.kind = llm::ToolChoice::Kind::named, .name = std::move(name)};
}

llm::ToolChoice read_choice(Fields& fields, FirstError& error, bool has_tools) {
  using Kind = llm::ToolChoice::Kind;
  const Json* const value = fields.get("tool_choice");
  if (value == nullptr) return {};
  if (value->is_object()) return read_named_choice(fields, *value, error);
  const auto word = fields.word("tool_choice", {"none", "auto", "required"});
  if (word && *word != "none" && !has_tools) {
    fields.error("tool_choice", "invalid_value",
                 "'tool_choice' is only allowed when 'tools' are given.");
  }
  if (word == "none") return {.kind = Kind::none, .name = {}};
  return {.kind = word == "required" ? Kind::required : Kind::automatic, .name = {}};
}

llm::Format read_json_schema(Fields& format, FirstError& error) {
  Fields wrapper(format.required("json_schema"), format.path_of("json_schema"), error);
  wrapper.required_text("name");
  wrapper.text("description");
  wrapper.boolean("strict");  // the schema is always enforced
  const Json* const schema = wrapper.object("schema");
  wrapper.refuse_others();
  if (schema == nullptr) return {.kind = llm::Format::Kind::json_object, .source = {}};
  return {.kind = llm::Format::Kind::json_schema, .source = to_text(*schema)};
}

llm::Format read_response_format(const Json& value, FirstError& error) {
  using Kind = llm::Format::Kind;
  Fields format(value, "response_format", error);
  format.required("type");
  const auto type = format.word("type", {"text", "json_object", "json_schema"}).value_or("");
  llm::Format result;
  if (type == "json_schema") {
    result = read_json_schema(format, error);
  } else if (type == "json_object") {
    // llama.cpp's server takes a schema here.
    const Json* const schema = format.object("schema");
    result = schema == nullptr ? llm::Format{.kind = Kind::json_object, .source = {}}
                               : llm::Format{.kind = Kind::json_schema, .source = to_text(*schema)};
  }
  format.refuse_others();
  return result;
}

}  // namespace

void read_tools(Fields& fields, FirstError& error, llm::ChatOptions& options) {
  if (const Json* const tools = fields.array("tools")) {
    if (tools->empty() || tools->size() > kMaxTools) {
      fields.error("tools", tools->empty() ? "empty_array" : "array_above_max_length",
                   "Invalid 'tools': expected 1 to 128 tools.");
    }
    for (std::size_t i = 0; i < tools->size() && !error.set(); ++i) {
      options.tools.push_back(read_tool((*tools)[i], "tools[" + std::to_string(i) + "]", error));
    }
  }
  options.tool_choice = read_choice(fields, error, !options.tools.empty());
  if (options.tool_choice.kind == llm::ToolChoice::Kind::named &&
      !has_tool(options.tools, options.tool_choice.name)) {
    fields.error("tool_choice", "invalid_value",
                 "Tool choice '" + options.tool_choice.name + "' not found in 'tools'.");
  }
  options.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  fields.refuse("functions", "Use 'tools' instead.");
  fields.refuse("function_call", "Use 'tool_choice' instead.");
}

llm::Format read_format(Fields& fields, FirstError& error) {
  llm::Format result;
  const Json* const format = fields.get("response_format");
  if (format != nullptr) result = read_response_format(*format, error);
  if (auto grammar = fields.text("grammar"); grammar && !grammar->empty()) {
    if (result.kind != llm::Format::Kind::text) {
      fields.error("grammar", "invalid_value",
                   "'grammar' and 'response_format' cannot both shape one answer.");
    }
    result = {.kind = llm::Format::Kind::grammar, .source = std::move(*grammar)};
  }
  return result;
}

}  // namespace quern::chat
