#include "capi/request.hpp"

#include "capi/members.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace quern::capi {
namespace {

using inference::Message;
using inference::ResponseFormat;
using inference::Role;
using inference::Sampling;
using inference::ToolChoice;

std::string at(std::string path, std::size_t index) {
  return std::move(path) + "[" + std::to_string(index) + "]";
}

Result<Role> role_named(Members& message) {
  constexpr std::array<std::pair<std::string_view, Role>, 5> kRoles{{
      {"system", Role::system},
      {"developer", Role::developer},
      {"user", Role::user},
      {"assistant", Role::assistant},
      {"tool", Role::tool},
  }};
  const std::string name = TRY(message.required_text("role"));
  for (const auto& [word, role] : kRoles) {
    if (word == name) return role;
  }
  return message.wrong("role", "is none of system, developer, user, assistant and tool");
}

// A text, or a list of parts that are texts.
Result<std::string> read_content(Members& message) {
  const Json* const content = message.get("content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return message.wrong("content", "is neither a text nor a list");
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    Members part = TRY(Members::of((*content)[i], at(message.path_of("content"), i)));
    const std::string type = TRY(part.required_text("type"));
    if (type != "text") {
      return part.wrong("type", "is not \"text\"; models take nothing else here");
    }
    text += TRY(part.required_text("text"));
    TRY(part.no_others());
  }
  return text;
}

Result<inference::ToolCall> read_call(const Json& value, std::string path) {
  Members call = TRY(Members::of(value, std::move(path)));
  inference::ToolCall result;
  result.id = TRY(call.required_text("id"));
  TRY(call.text("type"));
  const Json* const function = TRY(call.object("function"));
  if (function == nullptr) return call.wrong("function", "is missing");
  Members inner = TRY(Members::of(*function, call.path_of("function")));
  result.name = TRY(inner.required_text("name"));
  result.arguments = TRY(inner.required_text("arguments"));
  TRY(inner.no_others());
  TRY(call.no_others());
  return result;
}

Result<Message> read_message(const Json& value, std::string path) {
  Members message = TRY(Members::of(value, std::move(path)));
  Message result;
  result.role = TRY(role_named(message));
  result.text = TRY(read_content(message));
  result.name = TRY(message.text("name")).value_or("");
  result.reasoning = TRY(message.text("reasoning_content")).value_or("");
  result.tool_call_id = TRY(message.text("tool_call_id")).value_or("");
  if (const Json* const calls = TRY(message.list("tool_calls"))) {
    for (std::size_t i = 0; i < calls->size(); ++i) {
      result.tool_calls.push_back(
          TRY(read_call((*calls)[i], at(message.path_of("tool_calls"), i))));
    }
  }
  TRY(message.no_others());
  return result;
}

Result<std::vector<Message>> read_messages(Members& members) {
  const Json* const list = TRY(members.list("messages"));
  if (list == nullptr || list->empty()) return members.wrong("messages", "is missing or empty");
  std::vector<Message> messages;
  messages.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    messages.push_back(TRY(read_message((*list)[i], at("messages", i))));
  }
  return messages;
}

Result<inference::Tool> read_tool(const Json& value, std::string path) {
  Members tool = TRY(Members::of(value, std::move(path)));
  const std::string type = TRY(tool.required_text("type"));
  if (type != "function") {
    return tool.wrong("type", "is not \"function\"");
  }
  const Json* const function = TRY(tool.object("function"));
  if (function == nullptr) return tool.wrong("function", "is missing");
  Members inner = TRY(Members::of(*function, tool.path_of("function")));
  inference::Tool result;
  result.name = TRY(inner.required_text("name"));
  result.description = TRY(inner.text("description")).value_or("");
  const Json* const parameters = TRY(inner.object("parameters"));
  result.parameters =
      parameters == nullptr ? R"({"type":"object","properties":{}})" : to_text(*parameters);
  TRY(inner.no_others());
  TRY(tool.no_others());
  return result;
}

Result<ToolChoice> read_choice(Members& members) {
  using Kind = ToolChoice::Kind;
  const Json* const value = members.get("tool_choice");
  if (value == nullptr || *value == "auto") return ToolChoice{};
  if (*value == "none") return ToolChoice{.kind = Kind::none, .name = {}};
  if (*value == "required") return ToolChoice{.kind = Kind::required, .name = {}};
  Members choice = TRY(Members::of(*value, "tool_choice"));
  TRY(choice.text("type"));
  const Json* const function = TRY(choice.object("function"));
  if (function == nullptr) return choice.wrong("function", "is missing");
  Members inner = TRY(Members::of(*function, "tool_choice.function"));
  return ToolChoice{.kind = Kind::named, .name = TRY(inner.required_text("name"))};
}

Result<> read_tools(Members& members, inference::ChatRequest& request) {
  if (const Json* const tools = TRY(members.list("tools"))) {
    for (std::size_t i = 0; i < tools->size(); ++i) {
      request.tools.push_back(TRY(read_tool((*tools)[i], at("tools", i))));
    }
  }
  request.tool_choice = TRY(read_choice(members));
  request.parallel_tool_calls = TRY(members.boolean("parallel_tool_calls")).value_or(true);
  return {};
}

Result<std::string> read_schema(Members& format) {
  const Json* const wrapper = TRY(format.object("json_schema"));
  if (wrapper == nullptr) return format.wrong("json_schema", "is missing");
  Members inner = TRY(Members::of(*wrapper, format.path_of("json_schema")));
  const Json* const schema = TRY(inner.object("schema"));
  if (schema == nullptr) return inner.wrong("schema", "is missing");
  TRY(inner.text("name"));
  TRY(inner.boolean("strict"));  // it is always enforced
  TRY(inner.no_others());
  return to_text(*schema);
}

Result<ResponseFormat> read_format(Members& members) {
  using Kind = ResponseFormat::Kind;
  ResponseFormat result;
  if (const Json* const value = TRY(members.object("response_format"))) {
    Members format = TRY(Members::of(*value, "response_format"));
    const std::string type = TRY(format.required_text("type"));
    if (type == "json_schema") {
      result = {.kind = Kind::json_schema, .source = TRY(read_schema(format))};
    } else if (type == "json_object") {
      result.kind = Kind::json_object;
    } else if (type != "text") {
      return format.wrong("type", "is none of text, json_object and json_schema");
    }
    TRY(format.no_others());
  }
  if (auto grammar = TRY(members.text("grammar"))) {
    if (result.kind != Kind::text) {
      return members.wrong("grammar", "cannot shape an answer beside response_format");
    }
    result = {.kind = Kind::grammar, .source = *std::move(grammar)};
  }
  return result;
}

// {"2": -100}: token numbers as names, as in OpenAI's API.
Result<> read_bias(Members& members, Sampling& sampling) {
  const Json* const bias = TRY(members.object("logit_bias"));
  if (bias == nullptr) return {};
  for (const auto& [name, value] : bias->items()) {
    std::uint32_t token = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data(), end, token);
    if (error != std::errc() || rest != end || !value.is_number()) {
      return members.wrong("logit_bias", "does not map token numbers to numbers");
    }
    sampling.logit_bias.emplace_back(token, value.get<float>());
  }
  return {};
}

Result<> read_stop(Members& members, Sampling& sampling) {
  const Json* const stop = members.get("stop");
  if (stop == nullptr) return {};
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  for (const Json& text : list) {
    if (!text.is_string()) return members.wrong("stop", "is neither a text nor a list of texts");
    sampling.stop.push_back(text.get<std::string>());
  }
  return {};
}

Result<Sampling> read_sampling(Members& members) {
  Sampling sampling;
  sampling.max_tokens = TRY(members.count("max_tokens"));
  sampling.temperature = TRY(members.number("temperature"));
  sampling.top_k = TRY(members.count("top_k"));
  sampling.top_p = TRY(members.number("top_p"));
  sampling.min_p = TRY(members.number("min_p"));
  sampling.repeat_penalty = TRY(members.number("repeat_penalty"));
  sampling.repeat_last_n = TRY(members.count("repeat_last_n"));
  sampling.presence_penalty = TRY(members.number("presence_penalty"));
  sampling.frequency_penalty = TRY(members.number("frequency_penalty"));
  sampling.seed = TRY(members.count("seed"));
  TRY(read_bias(members, sampling));
  TRY(read_stop(members, sampling));
  return sampling;
}

Result<std::optional<std::chrono::milliseconds>> read_timeout(Members& members) {
  const auto timeout = TRY(members.count("timeout_ms"));
  if (!timeout) return std::optional<std::chrono::milliseconds>();
  return std::optional(std::chrono::milliseconds(*timeout));
}

}  // namespace

Result<Asked<inference::ChatRequest>> read_chat_request(std::string_view json) {
  const Json value = TRY(parse_object(json, "the request"));
  Members members = TRY(Members::of(value, ""));
  Asked<inference::ChatRequest> asked;
  asked.request.messages = TRY(read_messages(members));
  asked.request.sampling = TRY(read_sampling(members));
  asked.request.format = TRY(read_format(members));
  TRY(read_tools(members, asked.request));
  asked.request.enable_thinking = TRY(members.boolean("enable_thinking"));
  asked.longest = TRY(read_timeout(members));
  TRY(members.no_others());
  return asked;
}

Result<Asked<inference::CompletionRequest>> read_completion_request(std::string_view json) {
  const Json value = TRY(parse_object(json, "the request"));
  Members members = TRY(Members::of(value, ""));
  Asked<inference::CompletionRequest> asked;
  asked.request.prompt = TRY(members.required_text("prompt"));
  asked.request.sampling = TRY(read_sampling(members));
  asked.request.format = TRY(read_format(members));
  asked.longest = TRY(read_timeout(members));
  TRY(members.no_others());
  return asked;
}

}  // namespace quern::capi
