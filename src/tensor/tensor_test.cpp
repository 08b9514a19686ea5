#include "tensor/fakes.hpp"
#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

TEST(Tensor, BytesMustBeThoseOfShapeAndType) {
  EXPECT_TRUE(check({.type = ElementType::i64, .shape = {2, 3}, .bytes = Buffer(48)}).ok());
  EXPECT_TRUE(check({.type = ElementType::f16, .shape = {}, .bytes = Buffer(2)}).ok());
  EXPECT_TRUE(check({.type = ElementType::f32, .shape = {4, 0, 9}, .bytes = {}}).ok());
  const auto wrong = check({.type = ElementType::bf16, .shape = {3, 2}, .bytes = Buffer(48)});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(wrong.error().describe(), "a tensor of 3x2 BF16 with 48 bytes");
}

TEST(Tensor, AShapeThatMultipliesRoundToItsBytesIsNone) {
  // 2^16 four times is 2^64, which is 0 in 64 bits.
  EXPECT_FALSE(
      check({.type = ElementType::u8, .shape = {65536, 65536, 65536, 65536}, .bytes = {}}).ok());
  EXPECT_FALSE(check({.type = ElementType::f64,
                      .shape = std::vector<std::uint32_t>(9, 0xFFFF'FFFFU),
                      .bytes = Buffer(8)})
                   .ok());
}

}  // namespace
}  // namespace quern::tensor
