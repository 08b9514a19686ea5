#include "guestapi/import_advice.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace quern::guestapi {
namespace {

TEST(ImportAdvice, HidesNoEntryBehindABroaderOneBeforeIt) {
  const auto entries = import_advice();
  for (std::size_t later = 0; later < entries.size(); ++later) {
    for (std::size_t first = 0; first < later; ++first) {
      EXPECT_FALSE(entries[later].beginning.starts_with(entries[first].beginning))
          << entries[later].beginning << " never shows: " << entries[first].beginning << " fits it";
    }
  }
}

TEST(ImportAdvice, IsOneShortTextEach) {
  for (const auto& [beginning, advice] : import_advice()) {
    EXPECT_FALSE(beginning.empty());
    EXPECT_FALSE(advice.empty()) << beginning;
    EXPECT_EQ(advice.find_first_of("()\n"), std::string::npos) << advice;
  }
}

}  // namespace
}  // namespace quern::guestapi
