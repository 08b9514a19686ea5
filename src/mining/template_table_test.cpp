#include "mining/template_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::mining {
namespace {

// Words without a digit, which no line before had.
Shape fresh_shape(std::size_t number) {
  Shape shape;
  for (int at = 0; at < 64; ++at) {
    std::string word(50, 'x');
    for (std::size_t rest = number; rest > 0; rest /= 26) {
      word.push_back(static_cast<char>('a' + rest % 26));
    }
    word.push_back(static_cast<char>('a' + at % 26));
    shape.words.push_back(std::move(word));
    shape.spaced.push_back(true);
  }
  return shape;
}

TEST(TemplateTable, NotesOfLongLinesAreBoundedInBytes) {
  constexpr std::size_t kBytes = std::size_t{4} << 20U;
  TemplateTable table({.bytes = kBytes});
  for (std::size_t i = 0; i < 200; ++i) {
    table.place(fresh_shape(i));
    // One line's notes come on top.
    ASSERT_LE(table.noted_bytes(), kBytes + fresh_shape(i).bytes() * 65) << i;
  }
  EXPECT_GT(table.noted_bytes(), 0U);
}

}  // namespace
}  // namespace quern::mining
