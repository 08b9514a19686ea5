#include "base/sha512.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

// FIPS 180-2, appendix C.1.
TEST(Sha512, MatchesTheStandard) {
  EXPECT_EQ(sha512_hex(as_bytes("abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

}  // namespace
}  // namespace quern
