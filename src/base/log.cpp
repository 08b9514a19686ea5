#include "base/log.hpp"

// Header-only: the program then needs no shared library for its log.
#define FMT_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <string>

namespace quern::log {
namespace {

constexpr std::array<std::string_view, 5> kNames{"debug", "info", "warn", "error", "off"};
constexpr std::array<spdlog::level::level_enum, 5> kForeign{
    spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err,
    spdlog::level::off};

spdlog::logger& logger() {
  static spdlog::logger one = [] {
    spdlog::logger made("quern", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    made.set_level(spdlog::level::info);
    return made;
  }();
  return one;
}

// A guest or a client must not be able to forge a line of the log.
std::string one_line(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      line += c;
    } else {
      line += "\\x";
      line += kHex[code >> 4U];
      line += kHex[code & 15U];
    }
  }
  return line;
}

}  // namespace

Result<Level> parse_level(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames.at(i) == name) return static_cast<Level>(i);
  }
  return fail(ErrorKind::invalid_argument, "\"" + std::string(name) +
                                               "\" is not a log level (debug, info, warn, error, "
                                               "off)");
}

void set_level(Level level) { logger().set_level(kForeign.at(static_cast<std::size_t>(level))); }

bool enabled(Level level) {
  return logger().should_log(kForeign.at(static_cast<std::size_t>(level)));
}

void write(Level level, std::string_view room, std::string_view text) {
  if (!enabled(level)) return;
  const auto index = static_cast<std::size_t>(level);
  logger().log(kForeign.at(index), "{:<5} {}: {}", kNames.at(index), room, one_line(text));
}

std::uint64_t next_request_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace quern::log
