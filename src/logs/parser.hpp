// Parsers make a record of a text. They are named in a pipeline's file ([[parser]]), and the six
// that need no settings are there under the names of their types.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/batch.hpp"
#include "logs/time_format.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quern::logs {

// What one text says.
struct Parsed {
  Buffer record;  // a msgpack map
  std::optional<EventTime> time;
  // Of runtimes of containers, which cut long lines: this is a piece of the text under `key`, and
  // more of it follows in the next text of this stream (or ends with this one).
  struct Piece {
    std::string stream;
    std::string key;
    bool last = true;
  };
  std::optional<Piece> piece;
};

// Immutable; of any thread.
class Parser {
 public:
  virtual ~Parser() = default;
  // corrupt_data: the text has not this form. `received`: when it came; forms that leave out the
  // year lean on it.
  virtual Result<Parsed> parse(std::string_view text, EventTime received) const = 0;
};

// By name.
class Parsers {
 public:
  // json, logfmt, ltsv, cri, docker, syslog.
  Parsers();
  // Those and the [[parser]] tables of a file; each is read to its end. already_exists: a name is
  // taken.
  static Result<Parsers> read(Settings& file);
  // Null where there is none.
  std::shared_ptr<const Parser> find(std::string_view name) const;
  // The one that `key` names, for a stage's maker; absent: null.
  Result<std::shared_ptr<const Parser>> chosen(Settings& settings, std::string_view key) const;

 private:
  std::map<std::string, std::shared_ptr<const Parser>, std::less<>> by_name_;
};

// Syslog, RFC 5424 or RFC 3164, told apart by what it is: facility, severity, hostname, appname,
// procid, msgid, structured_data, message; what is absent is left out. Without priority only where
// a time begins it, as in files. One message, without framing. corrupt_data: neither.
Result<Parsed> parse_syslog(std::string_view text, EventTime received, Zone zone = {});

}  // namespace quern::logs
