// The log: one line of text per event, to stderr. The library behind it is named in log.cpp only.
//
//   2026-11-22T09:40:01.123Z info  http: listening on http://127.0.0.1:8080
//   2026-11-22T09:40:07.004Z warn  apphost: [req 17] guest trapped: call stack exhausted
//
// A global on purpose, against the rule of no singletons: stderr is one per process too, and a
// logger handed through every constructor would be there only to be ignored. Nothing else may
// follow this example. Never log under a lock, never log what a user or a guest wrote in full.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string_view>

namespace quern::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };

// "debug", "info", "warn", "error", "off"; invalid_argument otherwise.
Result<Level> parse_level(std::string_view name);
// Events below this are dropped. At start: info.
void set_level(Level level);
bool enabled(Level level);

// `room`: who speaks. Line ends and control characters in `text` are escaped.
void write(Level level, std::string_view room, std::string_view text);
inline void debug(std::string_view room, std::string_view text) {
  if (enabled(Level::debug)) write(Level::debug, room, text);
}
inline void info(std::string_view room, std::string_view text) { write(Level::info, room, text); }
inline void warn(std::string_view room, std::string_view text) { write(Level::warn, room, text); }
inline void error(std::string_view room, std::string_view text) { write(Level::error, room, text); }

// One number for each request, from 1: put "[req N]" at the head of the text.
std::uint64_t next_request_id();

}  // namespace quern::log
