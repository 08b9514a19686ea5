// The parsers behind `[[parser]] type =`, and what all of them share. Of this room alone.
#pragma once

#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/pairs.hpp"
#include "logs/parser.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quern::logs {

// key=value key="quoted \" value" bare (https://brandur.org/logfmt): bare words are true.
std::shared_ptr<const Parser> logfmt_parser();
// label:value, tabs between (http://ltsv.org).
std::shared_ptr<const Parser> ltsv_parser();
// Kubernetes' runtimes: "TIME stdout F text".
std::shared_ptr<const Parser> cri_parser();
// Docker's json-file: {"log":"text\n","stream":"stdout","time":"..."}.
std::shared_ptr<const Parser> docker_parser();
// Named groups of RE2's syntax. invalid_argument: no such expression, or no named group.
Result<std::shared_ptr<const Parser>> regex_parser(const std::string& pattern);

// What is done to the record of any parser: which field is the time, which are numbers.
struct Finish {
  enum class As : std::uint8_t { text, whole, decimal, truth };

  std::string time_key;  // empty: none
  std::optional<TimeFormat> format;
  Zone zone;
  bool keep_time = false;
  std::vector<std::pair<std::string, As>> types;

  // time_key, time_format, keep_time, [types]; nothing where none is set.
  static Result<std::optional<Finish>> read(Settings& settings, Zone zone);
  // What cannot be read as what it should be stays as it is.
  Result<> apply(Parsed& parsed, EventTime received) const;
};
std::shared_ptr<const Parser> finishing_parser(std::shared_ptr<const Parser> inner, Finish finish);

}  // namespace quern::logs
