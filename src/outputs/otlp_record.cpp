#include "outputs/otlp_record.hpp"

#include "base/text.hpp"

#include "logs/record.hpp"

#include <array>

namespace quern::outputs {
namespace {

using logs::Pair;
using logs::Pairs;

// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber; 0: unknown.
unsigned severity_number(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, unsigned>, 18> kWords{{{"trace", 1},
                                                                                 {"debug", 5},
                                                                                 {"info", 9},
                                                                                 {"information", 9},
                                                                                 {"notice", 10},
                                                                                 {"warn", 13},
                                                                                 {"warning", 13},
                                                                                 {"err", 17},
                                                                                 {"error", 17},
                                                                                 {"severe", 17},
                                                                                 {"crit", 21},
                                                                                 {"critical", 21},
                                                                                 {"fatal", 21},
                                                                                 {"failure", 17},
                                                                                 {"alert", 22},
                                                                                 {"emerg", 23},
                                                                                 {"emergency", 23},
                                                                                 {"panic", 23}}};
  for (const auto& [word, number] : kWords) {
    if (equal_ignoring_case(text, word)) return number;
  }
  return 0;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

Result<OtlpRecord> otlp_record(const logs::Entry& entry, std::string_view severity_key) {
  OtlpRecord out{
      .time_ns = std::uint64_t{entry.time.seconds} * 1'000'000'000U + entry.time.nanoseconds,
      .tag = entry.tag};
  std::string_view level = severity_key;
  if (level.empty()) level = logs::text_field(entry.record, "severity") ? "severity" : "level";
  out.severity = logs::text_field(entry.record, level);
  if (out.severity) out.severity_number = severity_number(*out.severity);
  const std::string_view line = logs::line_key(entry.record);
  if (!line.empty()) out.body = logs::text_field(entry.record, line);
  Pairs pairs = TRY(Pairs::of(entry.record));
  while (const std::optional<Pair> pair = TRY(pairs.next())) {
    const auto text = logs::text_of(pair->value);
    const bool known = !pair->key.empty() && (pair->key == line || pair->key == level);
    if (known && text) continue;
    // The ids of a trace go where OTLP has them.
    if (pair->key == "trace_id" && is_hex(text.value_or(""), 32)) {
      out.trace_id = *text;
    } else if (pair->key == "span_id" && is_hex(text.value_or(""), 16)) {
      out.span_id = *text;
    } else {
      out.attributes.push_back(*pair);
    }
  }
  return out;
}

}  // namespace quern::outputs
