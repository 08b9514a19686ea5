#include "insight/severity.hpp"

#include "base/text.hpp"

#include "logs/msgpack.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace quern::insight {
namespace {

using mining::Severity;

constexpr std::array<std::pair<std::string_view, Severity>, 25> kNames{{
    {"emergency", Severity::emergency}, {"emerg", Severity::emergency},
    {"panic", Severity::emergency},     {"alert", Severity::alert},
    {"failure", Severity::alert},       {"critical", Severity::critical},
    {"crit", Severity::critical},       {"fatal", Severity::critical},
    {"error", Severity::error},         {"err", Severity::error},
    {"severe", Severity::error},        {"warning", Severity::warning},
    {"warn", Severity::warning},        {"notice", Severity::notice},
    {"info", Severity::info},           {"information", Severity::info},
    {"informational", Severity::info},  {"default", Severity::info},
    {"debug", Severity::debug},         {"trace", Severity::debug},
    {"verbose", Severity::debug},       {"fine", Severity::debug},
    {"finer", Severity::debug},         {"finest", Severity::debug},
    {"config", Severity::debug},
}};

std::optional<Severity> severity_in(ByteView value) {
  logs::msgpack::Reader reader(value);
  const auto token = reader.next();
  if (!token.ok()) return std::nullopt;
  using logs::msgpack::Type;
  if (token->type == Type::natural && token->natural < 8) {
    return static_cast<Severity>(token->natural);
  }
  if (token->type != Type::string && token->type != Type::binary) return std::nullopt;
  return severity_named(as_text(token->bytes));
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

// Levels stand near the beginning, behind a date and a program's name.
std::optional<Severity> severity_at_beginning(std::string_view line) {
  constexpr std::size_t kLookedAt = 96;
  line = line.substr(0, kLookedAt);
  for (std::size_t i = 0; i < line.size();) {
    if (!is_capital(line[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < line.size() && is_capital(line[i])) ++i;
    if (i - begin < 3) continue;
    if (const auto found = severity_named(line.substr(begin, i - begin))) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Severity> severity_named(std::string_view word) {
  word = trim(word);
  if (word.size() == 1 && word[0] >= '0' && word[0] <= '7') {
    return static_cast<Severity>(word[0] - '0');
  }
  const auto* const found = std::find_if(kNames.begin(), kNames.end(), [&](const auto& name) {
    return equal_ignoring_case(name.first, word);
  });
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

std::string_view to_string(Severity severity) {
  static constexpr std::array<std::string_view, 8> kWords{
      "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};
  return kWords[static_cast<std::size_t>(severity)];
}

Severity severity_of(ByteView record, std::string_view line, std::string_view key) {
  static constexpr std::array<std::string_view, 6> kKeys{"severity", "level",    "severity_text",
                                                         "loglevel", "PRIORITY", "lvl"};
  if (!key.empty()) {
    const auto value = logs::field(record, key);
    return value ? severity_in(*value).value_or(Severity::info) : Severity::info;
  }
  for (const std::string_view name : kKeys) {
    if (const auto value = logs::field(record, name)) {
      if (const auto severity = severity_in(*value)) return *severity;
    }
  }
  return severity_at_beginning(line).value_or(Severity::info);
}

}  // namespace quern::insight
