// logfmt (https://brandur.org/logfmt, as Go's kr/logfmt reads it) and LTSV (http://ltsv.org). Both
// take nearly any text; what has not one pair is refused.
#include "base/text.hpp"

#include "logs/map_builder.hpp"
#include "logs/parsers.hpp"

namespace quern::logs {
namespace {

constexpr std::uint32_t kMostPairs = 4096;

bool ends_key(char c) { return c == '=' || c == '"' || static_cast<unsigned char>(c) <= ' '; }

// The quoted text at `at`, behind its first quote; `at` is behind its last then. One that does not
// end goes to the end.
std::string quoted(std::string_view text, std::size_t& at) {
  std::string value;
  while (at < text.size() && text[at] != '"') {
    char c = text[at++];
    if (c == '\\' && at < text.size()) {
      c = text[at++];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
      if (c == 'r') c = '\r';
    }
    value.push_back(c);
  }
  if (at < text.size()) ++at;
  return value;
}

class LogfmtParser final : public Parser {
 public:
  Result<Parsed> parse(std::string_view text, EventTime /*received*/) const override {
    MapBuilder record;
    record.reserve(text.size() + 16);
    bool any_value = false;
    for (std::size_t at = 0; at < text.size() && record.count() < kMostPairs;) {
      const std::size_t begin = at;
      while (at < text.size() && !ends_key(text[at])) ++at;
      const std::string_view key = text.substr(begin, at - begin);
      if (key.empty()) {
        ++at;
        continue;
      }
      if (at == text.size() || text[at] != '=') {
        record.key(key).boolean(true);
        continue;
      }
      any_value = true;
      if (++at < text.size() && text[at] == '"') {
        record.text(key, quoted(text, ++at));
        continue;
      }
      const std::size_t value = at;
      while (at < text.size() && static_cast<unsigned char>(text[at]) > ' ') ++at;
      record.text(key, text.substr(value, at - value));
    }
    // Any prose is a row of bare words.
    if (!any_value) return fail(ErrorKind::corrupt_data, "no logfmt: there is no key=value");
    return Parsed{.record = record.finish()};
  }
};

class LtsvParser final : public Parser {
 public:
  Result<Parsed> parse(std::string_view text, EventTime /*received*/) const override {
    MapBuilder record;
    record.reserve(text.size() + 16);
    for (std::string_view pair : split(trim(text), '\t')) {
      const std::size_t colon = pair.find(':');
      if (colon == std::string_view::npos || colon == 0) continue;
      record.text(pair.substr(0, colon), pair.substr(colon + 1));
      if (record.count() == kMostPairs) break;
    }
    if (record.count() == 0) return fail(ErrorKind::corrupt_data, "no LTSV: there is no label:");
    return Parsed{.record = record.finish()};
  }
};

}  // namespace

std::shared_ptr<const Parser> logfmt_parser() { return std::make_shared<LogfmtParser>(); }
std::shared_ptr<const Parser> ltsv_parser() { return std::make_shared<LtsvParser>(); }

}  // namespace quern::logs
