// What the log hears of a plugin that fails. Internal to plugins/.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/guarded.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quern::plugins {

// Of any thread.
class Complaints {
 public:
  Complaints(std::string name, const Clock& clock) : name_(std::move(name)), clock_(clock) {}

  // The first, and then at most one every ten seconds with how many there were.
  void fault(std::string_view kind, std::string_view why);
  // It is out of work from now on; 0: it is not.
  void pause(std::chrono::milliseconds length, const Error& last) const;

 private:
  struct Told {
    std::optional<Clock::Time> when;
    std::uint64_t since = 0;
  };
  const std::string name_;
  const Clock& clock_;
  Guarded<Told> told_;
};

// Of what a guest or an engine says, as a log and a dead letter may hold it.
inline constexpr std::size_t kLongestReason = 512;
std::string first_line(std::string_view text);

// What ended a call, of the kinds that both sorts of filter know.
template <class Fault>
Fault fault_of(const Error& error) {
  if (error.kind() == ErrorKind::deadline_exceeded) return Fault::time;
  if (error.kind() == ErrorKind::resource_exhausted) return Fault::memory;
  // A guest that gets no memory traps; the message says what the host refused before.
  const bool refused = error.message().find("refused memory") != std::string::npos;
  return refused ? Fault::memory : Fault::trap;
}

}  // namespace quern::plugins
