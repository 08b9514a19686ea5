// A count of 64 bits made of one of 32, which the system tells and which begins anew.
#pragma once

#include "base/guarded.hpp"

#include <cstdint>

namespace quern::http {

// Of any thread.
class LongCount {
 public:
  // The whole count, after the system told `low`. Looks that overtake each other may tell an older
  // one: that is behind by less than half of all there are, and adds nothing.
  std::uint64_t follow(std::uint32_t low) {
    return all_.with([low](std::uint64_t& all) {
      const auto more = static_cast<std::int32_t>(low - static_cast<std::uint32_t>(all));
      if (more > 0) all += static_cast<std::uint32_t>(more);
      return all;
    });
  }
  std::uint64_t value() const {
    return all_.with([](std::uint64_t all) { return all; });
  }

 private:
  Guarded<std::uint64_t> all_{0U};
};

}  // namespace quern::http
