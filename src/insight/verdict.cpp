#include "insight/verdict.hpp"

#include "base/text.hpp"

#include "insight/fields.hpp"
#include "insight/severity.hpp"
#include "logs/json.hpp"

#include <algorithm>
#include <cmath>

namespace quern::insight {
namespace {

using logs::msgpack::Writer;

std::string list_of(const std::vector<std::string>& words) {
  Buffer array;
  Writer writer(array);
  writer.array(static_cast<std::uint32_t>(words.size()));
  for (const std::string& word : words) writer.string(word);
  std::string json;
  (void)logs::msgpack::to_json(array, json);  // strings are always JSON
  return json;
}

// Words as strings of JSON, and these as literals of the grammar.
std::string one_of(const std::vector<std::string>& words) {
  std::string rule;
  for (const std::string& word : words) {
    std::string json = list_of({word});
    json = json.substr(1, json.size() - 2);
    rule += rule.empty() ? "\"" : " | \"";
    for (const char c : json) {
      if (c == '"' || c == '\\') rule.push_back('\\');
      rule.push_back(c);
    }
    rule.push_back('"');
  }
  return rule;
}

bool holds(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

// The reason comes first: what a model wrote before it says yes or no is what it goes by. No blanks
// between the parts and no characters of many tokens, so that an answer has an end.
std::string grammar_of(const Vocabulary& words) {
  std::vector<std::string> actions{"none"};
  actions.insert(actions.end(), words.actions.begin(), words.actions.end());
  const std::vector<std::string> severities{"emergency", "alert",  "critical", "error",
                                            "warning",   "notice", "info",     "debug"};
  return R"(root ::= "{\"reason\":\"" text "\",\"class\":" class ",\"severity\":" severity )"
         R"(",\"anomaly\":" ("true" | "false") ",\"confidence\":" ("0." [0-9] | "1.0") )"
         R"(",\"action\":" action "}")"
         "\n" +
         text_rule(kLongestReason) + "class ::= " + one_of(words.classes) +
         "\nseverity ::= " + one_of(severities) + "\naction ::= " + one_of(actions) + "\n";
}

std::string text_rule(std::size_t longest) {
  return "text ::= [a-zA-Z0-9 .,:;()/_<>*'+=%#-]{1," + std::to_string(longest) + "}\n";
}

Result<> check(const Verdict& verdict, const Vocabulary& words) {
  const auto wrong = [](const std::string& what) {
    return fail(ErrorKind::invalid_argument, "a verdict's " + what);
  };
  if (!holds(words.classes, verdict.kind)) {
    return wrong("class is \"" + printable(verdict.kind, 64) + "\", not one of " +
                 list_of(words.classes));
  }
  if (!verdict.action.empty() && !holds(words.actions, verdict.action)) {
    return wrong("action is \"" + printable(verdict.action, 64) + "\", not one of " +
                 list_of(words.actions));
  }
  if (!(verdict.confidence >= 0 && verdict.confidence <= 1)) {
    return wrong("confidence is not from 0 to 1");
  }
  return {};
}

Result<Verdict> parse_verdict(std::string_view json, const Vocabulary& words) {
  Buffer map;
  TRY(logs::from_json(json, map).context("reading a verdict"));
  return read_verdict(map, words);
}

Result<Verdict> read_verdict(ByteView map, const Vocabulary& words) {
  const auto anomaly = flag_field(map, "anomaly");
  const auto confidence = number_field(map, "confidence");
  const auto severity = severity_named(text_or_empty(map, "severity"));
  if (!anomaly || !confidence || !severity) {
    return fail(ErrorKind::invalid_argument, "a verdict has no anomaly, confidence or severity");
  }
  std::string action = text_or_empty(map, "action");
  if (action == "none") action.clear();
  Verdict verdict{.anomaly = *anomaly,
                  .kind = text_or_empty(map, "class"),
                  .severity = *severity,
                  .confidence = *confidence,
                  .reason = printable(text_or_empty(map, "reason"), kLongestReason),
                  .action = std::move(action)};
  TRY(check(verdict, words));
  return verdict;
}

void write_pairs(const Verdict& verdict, Writer& writer) {
  writer.string("anomaly");
  writer.boolean(verdict.anomaly);
  writer.string("class");
  writer.string(verdict.kind);
  writer.string("severity");
  writer.string(to_string(verdict.severity));
  writer.string("confidence");
  writer.floating(verdict.confidence);
  writer.string("reason");
  writer.string(verdict.reason);
  writer.string("action");
  writer.string(verdict.action.empty() ? "none" : verdict.action);
}

std::string to_json(const Verdict& verdict) {
  Buffer map;
  Writer writer(map);
  writer.map(kVerdictPairs);
  write_pairs(verdict, writer);
  std::string json;
  (void)logs::msgpack::to_json(map, json);  // it holds no more than strings and numbers
  return json;
}

}  // namespace quern::insight
