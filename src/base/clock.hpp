// What time it is, as a seam: real code gets a SystemClock, tests wind a ManualClock (fakes.hpp).
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <stop_token>

namespace quern {

class Clock {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  // For measuring; never jumps.
  virtual Time now() const = 0;
  // For dates; may jump.
  virtual std::chrono::system_clock::time_point date() const = 0;
  // Blocks for that long; cancelled when stopped first.
  virtual Result<> sleep(std::chrono::milliseconds time, std::stop_token stop) = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  std::chrono::system_clock::time_point date() const override;
  Result<> sleep(std::chrono::milliseconds time, std::stop_token stop) override;
};

}  // namespace quern
