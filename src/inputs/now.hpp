// The time of a record that brings none.
#pragma once

#include "base/clock.hpp"

#include "logs/batch.hpp"

namespace quern::inputs {

inline logs::EventTime event_time(std::chrono::system_clock::time_point date) {
  const auto since = date.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  return {.seconds = static_cast<std::uint32_t>(seconds.count()),
          .nanoseconds = static_cast<std::uint32_t>(
              std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count())};
}
inline logs::EventTime event_time(const Clock& clock) { return event_time(clock.date()); }

}  // namespace quern::inputs
