#include "plugins/answer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::plugins {
namespace {

Answer read(std::string text, Buffer& into) {
  const std::string memory = std::string(8, '\0') + std::move(text) + '\0';
  return read_json(std::as_bytes(std::span(memory)), 8, "{\"given\":1}", into);
}

TEST(Answer, TextsAreToldApart) {
  Buffer into;
  EXPECT_EQ(read("{\"given\":1}", into).verdict, Verdict::unchanged);
  EXPECT_EQ(read(" {\"a\":1}\n", into).verdict, Verdict::changed);
  EXPECT_EQ(read("", into).verdict, Verdict::drop);
  EXPECT_EQ(read("[1]", into).fault, Fault::not_object);
  EXPECT_EQ(read("17", into).fault, Fault::not_object);
  EXPECT_EQ(read("{\"a\":1} {\"b\":1}", into).fault, Fault::not_object);
  EXPECT_EQ(read("{\"a\":1", into).fault, Fault::not_json);
  EXPECT_EQ(read("{\"a\":1}}", into).fault, Fault::not_object);
  EXPECT_EQ(read(" ", into).fault, Fault::not_json);
  EXPECT_EQ(read("{\"a\":\"" + std::string(1 << 20, 'x') + "\"}", into).fault, Fault::too_large);
}

TEST(Answer, AMsgpackMapSaysItsLengthItself) {
  const std::array<std::byte, 6> memory{std::byte{0},   std::byte{0x81}, std::byte{0xa1},
                                        std::byte{'n'}, std::byte{0},    std::byte{0}};
  Buffer into;
  const Answer answer = read_msgpack(memory, 1, into);
  EXPECT_EQ(answer.verdict, Verdict::changed);
  EXPECT_EQ(answer.record.size(), 4U);
  EXPECT_EQ(read_msgpack(memory, 0, into).verdict, Verdict::drop);
  EXPECT_EQ(read_msgpack(memory, 2, into).fault, Fault::not_msgpack);
  EXPECT_EQ(read_msgpack(memory, 6, into).fault, Fault::bad_address);
}

}  // namespace
}  // namespace quern::plugins
