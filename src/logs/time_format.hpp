// Points in time as logs write them.
#pragma once

#include "base/result.hpp"

#include "logs/batch.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::logs {

// Where a time without an offset was written.
struct Zone {
  bool local = false;            // as this machine's clock is set
  std::chrono::seconds east{0};  // of Greenwich
  // "UTC", "local", "+02:00", "-0530"; invalid_argument otherwise.
  static Result<Zone> parse(std::string_view text);
};

// How a time is written: directives as of strptime (%Y %y %m %d %e %j %H %I %M %S %p %b %B %a %A %z
// %Z %s %T %D %F %R %%), %L, %f and %N for the digits of a fraction of a second, or one of the
// words iso8601, unix, unix_ms, unix_us, unix_ns. A blank stands for any blanks. Immutable.
class TimeFormat {
 public:
  // invalid_argument: a directive that is not known.
  static Result<TimeFormat> parse(std::string_view format);

  // The whole text. What is missing of the date comes from `received`: the year so that the time is
  // not more than a day after it. corrupt_data: the text is not of this form; a time that is none,
  // or outside 1970 to 2106.
  Result<EventTime> read(std::string_view text, EventTime received, Zone zone) const;
  // The same for a text that begins with a time, which is taken off it.
  Result<EventTime> read_front(std::string_view& text, EventTime received, Zone zone) const;

 private:
  explicit TimeFormat(std::string steps) : steps_(std::move(steps)) {}
  // Plain characters, and directives as the byte 0x80 + letter.
  std::string steps_;
};

// 2026-11-22T09:40:01.123Z; blank for T, no fraction and "+02:00" or nothing for Z likewise.
Result<EventTime> read_iso8601(std::string_view& text, EventTime received, Zone zone);

// The other way, in UTC: "2026-11-22T09:40:01.123456789Z".
std::string iso8601(EventTime time);

// The civil date of a time, in UTC.
struct CivilTime {
  int year = 1970;
  unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
};
CivilTime civil(EventTime time);

}  // namespace quern::logs
