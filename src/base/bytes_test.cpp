#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(Bytes, PrintsInTheLargestUnitThatFits) {
  EXPECT_EQ(to_string(Bytes{0}), "0 B");
  EXPECT_EQ(to_string(Bytes{1023}), "1023 B");
  EXPECT_EQ(to_string(64_KiB), "64 KiB");
  EXPECT_EQ(to_string(Bytes{1536 * 1024}), "1.5 MiB");
  EXPECT_EQ(to_string(2_GiB), "2 GiB");
}

TEST(Bytes, ReadsEveryWayAPersonWritesASize) {
  for (const char* text :
       {"256MiB", "256 MiB", "256mib", "256M", "256MB", " 268435456 ", "0.25G"}) {
    const Result<Bytes> size = parse_bytes(text);
    ASSERT_TRUE(size.ok()) << text;
    EXPECT_EQ(size->count, (256_MiB).count) << text;
  }
}

TEST(Bytes, RefusesWhatIsNotASize) {
  for (const char* text : {"", "MiB", "-1", "1.2.3", "12 parsecs", "1e400", "0.3", "99999999 TiB",
                           "nan", "inf", "0x10", "1KiBB"}) {
    const Result<Bytes> size = parse_bytes(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(size.error().kind(), ErrorKind::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace quern
