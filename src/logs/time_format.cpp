// Directives are those of strptime
// (https://pubs.opengroup.org/onlinepubs/9699919799/functions/strptime.html) in the C locale, with
// fractions of a second; the C function itself has no fractions, no bound, and takes names from the
// process' locale.
#include "logs/time_format.hpp"

#include "base/text.hpp"

#include <array>
#include <ctime>
#include <limits>

namespace quern::logs {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays{"sunday",   "monday", "tuesday", "wednesday",
                                                "thursday", "friday", "saturday"};
constexpr std::string_view kDirectives = "YymdejHIMSpbBhaAzZsTDFRLfN%tn";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Failure no_time() { return fail(ErrorKind::corrupt_data, "no time of the form that is expected"); }

// What was read so far.
struct Fields {
  std::optional<int> year;
  std::optional<unsigned> month, day, day_of_year;
  unsigned hour = 0, minute = 0, second = 0, nanoseconds = 0;
  std::optional<bool> afternoon;
  std::optional<seconds> east;
  std::optional<std::int64_t> since_1970;
};

class TimeReader {
 public:
  TimeReader(std::string_view text, Fields& fields) : text_(text), fields_(fields) {}

  std::string_view rest() const { return text_; }

  bool plain(char c) {
    if (c == ' ') {
      while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) drop(1);
      return true;
    }
    if (text_.empty() || text_.front() != c) return false;
    drop(1);
    return true;
  }

  // NOLINTNEXTLINE(readability-function-cognitive-complexity): a table.
  bool directive(char letter) {
    switch (letter) {
      case 'Y': return number(4, 0, 9999, fields_.year);
      case 'y': return short_year();
      case 'm': return number(2, 1, 12, fields_.month);
      case 'd':
      case 'e': return plain(' ') && number(2, 1, 31, fields_.day);
      case 'j': return number(3, 1, 366, fields_.day_of_year);
      case 'H': return plain(' ') && number(2, 0, 23, fields_.hour);
      case 'I': return plain(' ') && number(2, 1, 12, fields_.hour);
      case 'M': return number(2, 0, 59, fields_.minute);
      case 'S': return number(2, 0, 60, fields_.second);
      case 'p': return half_of_day();
      case 'b':
      case 'B':
      case 'h': return month();
      case 'a':
      case 'A': return name(kDays).has_value();
      case 'z': return offset();
      case 'Z': return zone_name();
      case 's': return since_1970();
      case 'L':
      case 'f':
      case 'N': return fraction();
      case 'T': return all("H:M:S");
      case 'D': return all("m/d/y");
      case 'F': return all("Y-m-d");
      case 'R': return all("H:M");
      case 't':
      case 'n': return plain(' ');
      default: return plain(letter);
    }
  }

  bool offset() {
    if (!text_.empty() && (text_.front() == 'Z' || text_.front() == 'z')) {
      drop(1);
      fields_.east = seconds{0};
      return true;
    }
    if (text_.empty() || (text_.front() != '+' && text_.front() != '-')) return false;
    const bool west = text_.front() == '-';
    drop(1);
    unsigned hours = 0;
    unsigned minutes = 0;
    if (text_.size() < 2 || !is_digit(text_[1]) || !number(2, 0, 23, hours)) return false;
    const bool colon = text_.size() > 1 && text_.front() == ':' && is_digit(text_[1]);
    if (colon) drop(1);
    if (!text_.empty() && is_digit(text_.front()) && !number(2, 0, 59, minutes)) return false;
    const seconds east{static_cast<int>((hours * 60 + minutes) * 60)};
    fields_.east = west ? -east : east;
    return true;
  }

  bool fraction() {
    unsigned digits = 0;
    unsigned value = 0;
    for (; !text_.empty() && is_digit(text_.front()); drop(1), ++digits) {
      if (digits < 9) value = value * 10 + static_cast<unsigned>(text_.front() - '0');
    }
    for (unsigned more = digits; more < 9; ++more) value *= 10;
    fields_.nanoseconds = value;
    return digits > 0;
  }

 private:
  void drop(std::size_t count) { text_.remove_prefix(count); }

  template <class Number>
  bool number(std::size_t most_digits, unsigned least, unsigned most, Number& into) {
    unsigned value = 0;
    std::size_t digits = 0;
    for (; digits < most_digits && !text_.empty() && is_digit(text_.front()); drop(1), ++digits) {
      value = value * 10 + static_cast<unsigned>(text_.front() - '0');
    }
    into = static_cast<Number>(value);
    return digits > 0 && value >= least && value <= most;
  }

  bool all(std::string_view steps) {
    for (const char step : steps) {
      if (is_letter(step) ? !directive(step) : !plain(step)) return false;
    }
    return true;
  }

  bool short_year() {
    if (!number(2, 0, 99, fields_.year)) return false;
    *fields_.year += *fields_.year < 69 ? 2000 : 1900;
    return true;
  }

  bool half_of_day() {
    if (text_.size() < 2) return false;
    const bool pm = equal_ignoring_case(text_.substr(0, 2), "pm");
    if (!pm && !equal_ignoring_case(text_.substr(0, 2), "am")) return false;
    fields_.afternoon = pm;
    drop(2);
    return true;
  }

  bool month() {
    const auto at = name(kMonths);
    if (at) fields_.month = static_cast<unsigned>(*at) + 1;
    return at.has_value();
  }

  // In full, or its first three letters.
  template <std::size_t Size>
  std::optional<std::size_t> name(const std::array<std::string_view, Size>& names) {
    for (std::size_t at = 0; at < Size; ++at) {
      for (const std::size_t size : {names[at].size(), std::size_t{3}}) {
        if (text_.size() < size ||
            !equal_ignoring_case(text_.substr(0, size), names[at].substr(0, size)))
          continue;
        drop(size);
        return at;
      }
    }
    return std::nullopt;
  }

  // Of names only those that mean one thing everywhere count; others are passed over.
  bool zone_name() {
    std::size_t size = 0;
    while (size < text_.size() && is_letter(text_[size])) ++size;
    if (size == 0) return offset();
    const std::string_view zone = text_.substr(0, size);
    if (zone == "UTC" || zone == "GMT" || zone == "Z") fields_.east = seconds{0};
    drop(size);
    return true;
  }

  bool since_1970() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; digits < 11 && !text_.empty() && is_digit(text_.front()); drop(1), ++digits) {
      value = value * 10 + (text_.front() - '0');
    }
    fields_.since_1970 = value;
    return digits > 0;
  }

  std::string_view text_;
  Fields& fields_;
};

// Seconds since 1970, as a clock at that place shows them, to true ones.
std::int64_t from_zone(std::int64_t shown, Zone zone) {
  if (!zone.local) return shown - zone.east.count();
  const std::time_t as_utc = static_cast<std::time_t>(shown);
  std::tm parts{};
  if (gmtime_r(&as_utc, &parts) == nullptr) return shown;
  parts.tm_isdst = -1;
  return static_cast<std::int64_t>(mktime(&parts));
}

Result<std::int64_t> day_of(const Fields& fields, EventTime received, int year) {
  using namespace std::chrono;
  if (fields.day_of_year) {
    const sys_days first{std::chrono::year(year) / January / 1};
    return (first + days(*fields.day_of_year - 1)).time_since_epoch().count();
  }
  const CivilTime today = civil(received);
  const bool no_date = !fields.month && !fields.day;
  const year_month_day date{std::chrono::year(year),
                            month(fields.month.value_or(no_date ? today.month : 1)),
                            day(fields.day.value_or(no_date ? today.day : 1))};
  if (!date.ok()) return no_time();
  return sys_days(date).time_since_epoch().count();
}

Result<EventTime> to_time(const Fields& fields, EventTime received, Zone zone) {
  if (fields.east) zone = {.east = *fields.east};
  std::int64_t result = 0;
  if (fields.since_1970) {
    result = *fields.since_1970;
  } else {
    unsigned hour = fields.hour;
    if (fields.afternoon) hour = hour % 12 + (*fields.afternoon ? 12 : 0);
    const std::int64_t in_day =
        (static_cast<std::int64_t>(hour) * 60 + fields.minute) * 60 + fields.second;
    const int this_year = civil(received).year;
    Result<std::int64_t> day = day_of(fields, received, fields.year.value_or(this_year));
    if (day.ok()) result = from_zone(*day * 86'400 + in_day, zone);
    // December's lines are read in January; and the 29th of February in the year after.
    const bool ahead = !day.ok() || result > std::int64_t{received.seconds} + 86'400;
    if (!fields.year && ahead) {
      day = day_of(fields, received, this_year - 1);
      if (day.ok()) result = from_zone(*day * 86'400 + in_day, zone);
    }
    if (!day.ok()) return fail(std::move(day).error());
  }
  if (result < 0 || result > std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorKind::corrupt_data, "a time before 1970 or after 2106");
  }
  return EventTime{.seconds = static_cast<std::uint32_t>(result),
                   .nanoseconds = fields.nanoseconds};
}

// A whole number of some part of a second, or seconds with a fraction.
Result<EventTime> read_unix(std::string_view& text, std::uint64_t per_second) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && digits < 20 && is_digit(text[digits]); ++digits) {
    if (value > 1'000'000'000'000'000'000U) return no_time();
    value = value * 10 + static_cast<std::uint64_t>(text[digits] - '0');
  }
  if (digits == 0 || value / per_second > std::numeric_limits<std::uint32_t>::max())
    return no_time();
  text.remove_prefix(digits);
  Fields fields;
  if (text.size() > 1 && text.front() == '.' && is_digit(text[1])) {
    TimeReader reader(text.substr(1), fields);
    reader.fraction();
    text = reader.rest();
    if (per_second != 1) fields.nanoseconds = 0;  // below a nanosecond's worth of care
  }
  const std::uint64_t rest = value % per_second * (1'000'000'000 / per_second);
  return EventTime{.seconds = static_cast<std::uint32_t>(value / per_second),
                   .nanoseconds = static_cast<std::uint32_t>(rest) + fields.nanoseconds};
}

std::optional<std::uint64_t> unix_unit(std::string_view word) {
  if (word == "unix") return 1;
  if (word == "unix_ms") return 1'000;
  if (word == "unix_us") return 1'000'000;
  if (word == "unix_ns") return 1'000'000'000;
  return std::nullopt;
}

}  // namespace

Result<Zone> Zone::parse(std::string_view text) {
  if (text == "UTC") return Zone{};
  if (text == "local") return Zone{.local = true};
  Fields fields;
  TimeReader reader(text, fields);
  if (reader.offset() && reader.rest().empty()) return Zone{.east = *fields.east};
  return fail(ErrorKind::invalid_argument,
              R"(a timezone is "UTC", "local" or an offset as in "+02:00")");
}

Result<TimeFormat> TimeFormat::parse(std::string_view format) {
  if (format == "iso8601" || unix_unit(format)) return TimeFormat(std::string(format));
  std::string steps;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      const bool blank = format[at] == ' ' || format[at] == '\t';
      steps.push_back(blank ? ' ' : format[at]);
      continue;
    }
    const bool ends = ++at == format.size();
    if (ends || kDirectives.find(format[at]) == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument,
                  "\"%" + std::string(format.substr(at, 1)) + "\" is no directive of a time");
    }
    steps.push_back(static_cast<char>(0x80 | format[at]));
  }
  if (steps.empty()) return fail(ErrorKind::invalid_argument, "the form of a time is empty");
  return TimeFormat(std::move(steps));
}

Result<EventTime> TimeFormat::read(std::string_view text, EventTime received, Zone zone) const {
  const EventTime time = TRY(read_front(text, received, zone));
  if (!trim(text).empty()) return no_time();
  return time;
}

Result<EventTime> TimeFormat::read_front(std::string_view& text, EventTime received,
                                         Zone zone) const {
  if (const auto unit = unix_unit(steps_)) return read_unix(text, *unit);
  if (steps_ == "iso8601") return read_iso8601(text, received, zone);
  Fields fields;
  TimeReader reader(text, fields);
  for (const char step : steps_) {
    const auto byte = static_cast<unsigned char>(step);
    const bool read =
        byte < 0x80 ? reader.plain(step) : reader.directive(static_cast<char>(byte & 0x7fU));
    if (!read) return no_time();
  }
  text = reader.rest();
  return to_time(fields, received, zone);
}

Result<EventTime> read_iso8601(std::string_view& text, EventTime received, Zone zone) {
  Fields fields;
  TimeReader reader(text, fields);
  const auto digit_at = [&](std::size_t at) { return at < text.size() && is_digit(text[at]); };
  if (!digit_at(0) || !digit_at(3) || !reader.directive('F')) return no_time();
  if (!reader.plain('T') && !reader.plain('t')) reader.plain(' ');
  if (!reader.directive('T')) return no_time();
  if (const std::string_view rest = reader.rest();
      rest.size() > 1 && (rest.front() == '.' || rest.front() == ',') && is_digit(rest[1])) {
    reader.plain(rest.front());
    reader.fraction();
  }
  const std::string_view rest = reader.rest();
  const bool has_offset = !rest.empty() && (rest.front() == 'Z' || rest.front() == 'z' ||
                                            rest.front() == '+' || rest.front() == '-');
  if (has_offset && !reader.offset()) return no_time();
  text = reader.rest();
  return to_time(fields, received, zone);
}

CivilTime civil(EventTime time) {
  using namespace std::chrono;
  const sys_seconds at{seconds{time.seconds}};
  const sys_days day_of_it = floor<days>(at);
  const year_month_day date{day_of_it};
  const hh_mm_ss clock{at - day_of_it};
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = static_cast<unsigned>(clock.hours().count()),
          .minute = static_cast<unsigned>(clock.minutes().count()),
          .second = static_cast<unsigned>(clock.seconds().count())};
}

std::string iso8601(EventTime time) {
  const CivilTime at = civil(time);
  std::string text = "0000-00-00T00:00:00.000000000Z";
  const auto put = [&](std::size_t end, std::size_t digits, std::uint32_t value) {
    for (; digits > 0; --digits, value /= 10) text[--end] = static_cast<char>('0' + value % 10);
  };
  put(4, 4, static_cast<std::uint32_t>(at.year));
  put(7, 2, at.month);
  put(10, 2, at.day);
  put(13, 2, at.hour);
  put(16, 2, at.minute);
  put(19, 2, at.second);
  put(29, 9, time.nanoseconds);
  return text;
}

}  // namespace quern::logs
