// Counts what arrives and says how fast it comes and how long it will take.
#pragma once

#include "base/clock.hpp"
#include "catalog/catalog.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace quern::catalog {

// One pull's meter. One thread. Reports at most five times a second, and at the end.
class Meter {
 public:
  using Report = std::function<void(const Progress&)>;

  // Both outlive the meter; `report` may be empty.
  Meter(const Clock& clock, const Report& report) : clock_(clock), report_(report) {}

  // A source begins: `done` bytes of `total` (0: unknown) are here from an earlier try.
  void start(std::string source, std::uint64_t done, std::uint64_t total);
  void set_total(std::uint64_t total) { progress_.total = total; }
  // So many bytes of it are here now; may fall, when a server began anew.
  void at(std::uint64_t done);
  void finish();

 private:
  void tell(Clock::Time now);

  const Clock& clock_;
  const Report& report_;
  Progress progress_;
  Clock::Time started_{};
  Clock::Time told_{};      // when it was reported last
  Clock::Time measured_{};  // where the rate was measured last
  std::uint64_t measured_done_ = 0;
};

}  // namespace quern::catalog
