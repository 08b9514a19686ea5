#include "inputs/tail_positions.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::inputs {
namespace {

TEST(TailPositions, ComeBackAsTheyWere) {
  FakeFiles files;
  EXPECT_FALSE(load_positions(files, "state/positions")->has_value());
  const std::vector<KeptPosition> all{
      {.id = {.device = 7, .inode = 9},
       .place = {.offset = 1000, .skipping = true, .print_size = 256, .print = UINT64_MAX},
       .head = 3,
       .seen = 1'790'000'000,
       .closed_size = 12,
       .closed_modified = -1,
       .path = "/var/log/a b\n\\n.log"},
      {.id = {.device = 1, .inode = 2}, .path = "/x"}};
  ASSERT_TRUE(save_positions(files, "state/positions", all).ok());
  const auto loaded = load_positions(files, "state/positions");
  ASSERT_TRUE(loaded.ok() && *loaded);
  ASSERT_EQ((*loaded)->size(), 2U);
  const KeptPosition& first = (**loaded)[0];
  EXPECT_EQ(first.id, all[0].id);
  EXPECT_EQ(first.place.offset, 1000U);
  EXPECT_TRUE(first.place.skipping);
  EXPECT_EQ(first.place.print_size, 256U);
  EXPECT_EQ(first.place.print, UINT64_MAX);
  EXPECT_EQ(first.head, 3U);
  EXPECT_EQ(first.seen, 1'790'000'000);
  EXPECT_EQ(first.closed_size, 12U);
  EXPECT_EQ(first.closed_modified, -1);
  EXPECT_EQ(first.path, all[0].path);
}

TEST(TailPositions, DamageIsNamed) {
  for (const char* text :
       {"other\n", "quern tail 1", "quern tail 1\n1 2 3\n",
        "quern tail 1\n1 2 3 0 9999 0 0 0 0 0 /x\n", "quern tail 1\n1 2 x 0 0 0 0 0 0 0 /x\n"}) {
    FakeFiles files;
    ASSERT_TRUE(files.make_directories("state", 0755).ok());
    ASSERT_TRUE(files.write("state/positions", as_bytes(text)).ok());
    const auto loaded = load_positions(files, "state/positions");
    ASSERT_FALSE(loaded.ok()) << text;
    EXPECT_EQ(loaded.error().kind(), ErrorKind::corrupt_data);
    EXPECT_NE(loaded.error().message().find("state/positions:"), std::string::npos);
  }
}

}  // namespace
}  // namespace quern::inputs
