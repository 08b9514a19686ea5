#include "base/sha256.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

// FIPS 180-2, appendix B.1.
constexpr std::string_view kAbc =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, MatchesTheStandard) {
  EXPECT_EQ(sha256(as_bytes("abc")), kAbc);
  EXPECT_EQ(sha256({}), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, PiecesMakeTheSameDigest) {
  Sha256 digest;
  digest.update(as_bytes("a"));
  digest.update(as_bytes("bc"));
  EXPECT_EQ(digest.finish(), kAbc);
}

TEST(Sha256, KnowsADigestWhenItSeesOne) {
  EXPECT_TRUE(is_digest(kAbc));
  EXPECT_FALSE(is_digest(kAbc.substr(7)));
  EXPECT_FALSE(is_digest("sha256:BA7816"));
  EXPECT_FALSE(is_digest(std::string(kAbc) + "0"));
}

}  // namespace
}  // namespace quern
