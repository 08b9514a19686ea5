// Tokens that may be spent: so many a minute, so many a day.
#pragma once

#include "base/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace quern::insight {

struct BudgetLimits {
  std::uint64_t minute = 20'000;
  std::uint64_t day = 1'000'000;  // of UTC
};

// Of whoever locks it. Minutes and days are those of the calendar; a clock that goes back by
// one begins none. What is further ahead was a clock that jumped, and is forgotten.
class Budget {
 public:
  using Date = std::chrono::system_clock::time_point;

  explicit Budget(BudgetLimits limits) : limits_(limits) {}
  // What save() wrote: {"day": DAYS SINCE 1970, "spent": TOKENS, ...}. Anything else is no state.
  void load(ByteView map);
  std::string save() const;

  // Are there ever so many?
  bool fits(std::uint64_t tokens) const {
    return tokens <= limits_.minute && tokens <= limits_.day;
  }
  // True, and they are taken; false: there are not so many left.
  bool take(std::uint64_t tokens, Date now);
  // Of `taken` only `used` were needed; more than taken counts as well.
  void settle(std::uint64_t taken, std::uint64_t used);

  std::uint64_t spent_today() const { return day_.spent; }
  std::uint64_t spent_ever() const { return ever_; }

 private:
  struct Period {
    std::int64_t number = 0;  // since 1970
    std::uint64_t spent = 0;
    void begin(std::int64_t now) {
      if (now > number || now + 1 < number) *this = {.number = now, .spent = 0};
    }
  };
  BudgetLimits limits_;
  Period minute_;
  Period day_;
  std::uint64_t ever_ = 0;
};

}  // namespace quern::insight
