// Records as quern:log/filter sees them, and back: wit/quern-log. Internal to plugins/.
//
// What a guest gets is in the bridge's flat encoding, with the body written as JSON right where it
// is read.
#pragma once

#include "wasm/host.hpp"

#include "logs/batch.hpp"
#include "logs/stage.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace quern::plugins {

// Of one call of `process`.
struct CallBounds {
  std::size_t records = 1024;
  // Of JSON; the first record may be longer.
  std::size_t bytes = 512 * 1024;
};

// Writes the arguments of one call for the records from `begin` on that have one tag; how many they
// are. 0: the first one cannot be JSON, it is too deep.
std::size_t write_events(const logs::Batch& batch, std::size_t begin, const CallBounds& bounds,
                         std::string& arguments);

// What the outcomes of one call say.
class Outcomes {
 public:
  enum class Case : std::uint32_t { keep, drop, change, replace, dead };

  explicit Outcomes(ByteView answer) : reader_(answer), left_(reader_.count()) {}
  // So many outcomes.
  std::size_t count() const { return left_; }

  // Does what the next one says with `entry`. An error is the guest's fault, and nothing was done:
  // corrupt_data (no JSON, no object), invalid_argument (no time, no tag), resource_exhausted (more
  // than a record may be). `dead` tells the reason.
  Result<> next(const logs::Entry& entry, logs::Filtered& out,
                const std::function<void(std::string_view)>& dead);

 private:
  Result<> replace(const logs::Entry& entry, logs::Filtered& out);

  wasm::ValueReader reader_;
  std::size_t left_;
  Buffer record_;
  Buffer metadata_;
};

}  // namespace quern::plugins
