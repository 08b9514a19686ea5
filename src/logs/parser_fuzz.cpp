// Bytes of whoever writes a log: every parser, and times in every form.
#include "base/check.hpp"

#include "logs/msgpack.hpp"
#include "logs/parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace quern::logs;

constexpr EventTime kNow{.seconds = 1'795'340'401};

void read_times(std::string_view text) {
  static const auto forms = [] {
    std::vector<TimeFormat> all;
    for (const char* form : {"iso8601", "unix", "unix_ms", "unix_ns", "%d/%b/%Y:%H:%M:%S %z",
                             "%a %B %e %T.%L %Y %Z", "%D %I:%M:%S %p", "%Y-%j %s", "%F%n%R"})
      all.push_back(*TimeFormat::parse(form));
    return all;
  }();
  for (const TimeFormat& form : forms) {
    const auto time = form.read(text, kNow, {});
    CHECK(!time.ok() || time->nanoseconds < 1'000'000'000, "a second has so many parts");
  }
  const std::size_t cut = text.find('\n');
  if (cut == std::string_view::npos) return;
  if (const auto own = TimeFormat::parse(text.substr(0, cut)))
    (void)own->read(text.substr(cut + 1), kNow, {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Parsers parsers = [] {
    auto file = quern::Settings::parse(R"([[parser]]
name = "regex"
type = "regex"
pattern = '^(?<a>\S+) (?<b>.*?)(?: (?<n>\d+))?$'
time_key = "a"
types = { n = "integer", b = "float" }
)",
                                       "seed");
    return *Parsers::read(*file);
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"json", "logfmt", "ltsv", "cri", "docker", "syslog", "regex"}) {
    const auto parsed = parsers.find(name)->parse(text, kNow);
    if (!parsed.ok()) continue;
    msgpack::Reader reader(parsed->record);
    const auto map = reader.next();
    CHECK(map.ok() && map->type == msgpack::Type::map, "a record is a map");
    for (std::uint32_t left = 2 * map->count; left > 0; --left)
      CHECK(reader.skip().ok(), "a record is whole");
    CHECK(reader.done(), "nothing follows a record");
  }
  read_times(text);
  return 0;
}
