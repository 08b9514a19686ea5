// The script of a model without weights, as JSON:
//
//   [ {"when": "weather", "say": ["It ", "rains."], "delay_ms": 5},
//     {"when": "tool", "call": {"name": "now", "arguments": "{}"}},
//     {"when": "busy", "error": "resource_exhausted", "message": "the queue is full"},
//     {"say": ["Hello."]} ]
#include "inference/inference.hpp"

#include <nlohmann/json.hpp>

namespace quern::inference {
namespace {

using nlohmann::json;

Result<ErrorKind> kind_named(const std::string& name) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    if (to_string(static_cast<ErrorKind>(kind)) == name) return static_cast<ErrorKind>(kind);
  }
  return fail(ErrorKind::invalid_argument, "no error is called \"" + name + "\"");
}

Result<std::string> text_at(const json& object, const char* key, const std::string& fallback) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  if (!found->is_string())
    return fail(ErrorKind::invalid_argument, std::string(key) + " is no string");
  return found->get<std::string>();
}

Result<> add_words(const json& say, std::vector<Event>& events) {
  if (!say.is_array()) return fail(ErrorKind::invalid_argument, "say is no list of strings");
  for (const json& word : say) {
    if (!word.is_string()) return fail(ErrorKind::invalid_argument, "say holds more than strings");
    events.emplace_back(Content{word.get<std::string>()});
  }
  return {};
}

Result<> add_call(const json& call, std::vector<Event>& events) {
  if (!call.is_object()) return fail(ErrorKind::invalid_argument, "call is no object");
  events.emplace_back(ToolCallDelta{.index = 0,
                                    .id = TRY(text_at(call, "id", "call_1")),
                                    .name = TRY(text_at(call, "name", "")),
                                    .arguments = TRY(text_at(call, "arguments", "{}"))});
  events.emplace_back(Finished{.reason = FinishReason::tool_calls});
  return {};
}

Result<ScriptLine> parse_line(const json& entry) {
  if (!entry.is_object()) return fail(ErrorKind::invalid_argument, "it is no object");
  for (const auto& [key, value] : entry.items()) {
    if (key != "when" && key != "say" && key != "call" && key != "error" && key != "message" &&
        key != "delay_ms") {
      return fail(ErrorKind::invalid_argument, "unknown key \"" + key + "\"");
    }
  }
  ScriptLine line;
  line.when = TRY(text_at(entry, "when", ""));
  if (entry.contains("say")) TRY(add_words(entry["say"], line.events));
  if (entry.contains("call")) TRY(add_call(entry["call"], line.events));
  if (entry.contains("error")) {
    const std::string kind = TRY(text_at(entry, "error", ""));
    std::string message = TRY(text_at(entry, "message", "as the script says"));
    line.error.emplace(TRY(kind_named(kind)), std::move(message));
  }
  if (entry.contains("delay_ms")) {
    if (!entry["delay_ms"].is_number_unsigned()) {
      return fail(ErrorKind::invalid_argument, "delay_ms is no number");
    }
    line.delay_per_event = std::chrono::milliseconds(entry["delay_ms"].get<std::uint32_t>());
  }
  return line;
}

}  // namespace

Result<std::vector<ScriptLine>> parse_fake_script(std::string_view text) {
  const json script = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!script.is_array()) {
    return fail(ErrorKind::invalid_argument, "a script is a JSON list of objects");
  }
  std::vector<ScriptLine> lines;
  for (const json& entry : script) {
    lines.push_back(TRY(parse_line(entry).context("entry " + std::to_string(lines.size() + 1))));
  }
  return lines;
}

}  // namespace quern::inference
