#include "mining/line_shape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quern::mining {
namespace {

// The shape as one reads it: tokens with a blank between, "*" for holes.
std::string shape_of(std::string_view line) {
  LineShape shape;
  shape.read(line);
  std::string out;
  for (const Token& token : shape.tokens()) {
    if (!out.empty()) out.push_back(' ');
    out += token.kind == TokenKind::hole ? "*" : std::string(shape.text(token));
  }
  return out;
}

std::string holes_of(std::string_view line) {
  LineShape shape;
  shape.read(line);
  std::string out;
  for (const Token& token : shape.tokens()) {
    if (token.kind == TokenKind::hole) out += "[" + std::string(shape.text(token)) + "]";
  }
  return out;
}

TEST(LineShape, WordsStayAndValuesAreHoles) {
  EXPECT_EQ(shape_of("connection from 10.0.0.7 port 22"), "connection from * port *");
  EXPECT_EQ(holes_of("connection from 10.0.0.7 port 22"), "[10.0.0.7][22]");
  EXPECT_EQ(shape_of("instruction cache parity error corrected"),
            "instruction cache parity error corrected");
}

TEST(LineShape, AddressesTimesAndHexadecimalAreOneValue) {
  EXPECT_EQ(holes_of("from fe80::1:abcd at 12:30:01,123"), "[fe80::1:abcd][12:30:01,123]");
  EXPECT_EQ(holes_of("BSSID changed to 5c:50:15:4c:18:13"), "[5c:50:15:4c:18:13]");
  EXPECT_EQ(shape_of("mask=ffffffff"), "mask = *");
  EXPECT_EQ(shape_of("CCFile::copyFile is a name"), "CCFile : : copyFile is a name");
}

TEST(LineShape, PathsAndAddressesAreWhole) {
  EXPECT_EQ(holes_of("\"GET /v2/x?all=True&since=2 HTTP/1.1\""),
            "[/v2/x?all=True&since=2 HTTP/1.1]");
  EXPECT_EQ(holes_of("open /var/log/messages: denied"), "[/var/log/messages:]");
  EXPECT_EQ(holes_of("see https://host/a,b"), "[https://host/a]");
}

TEST(LineShape, NamesOfDaysUnitsAndEmptyBracketsDoNotMatter) {
  EXPECT_EQ(shape_of("at Sat Jun 11 2005"), "at *");
  EXPECT_EQ(shape_of("size 512.0 KB, free 3 B"), shape_of("size 7 B, free 3.1 MB"));
  EXPECT_EQ(shape_of("from host () at"), shape_of("from host (10.0.0.1) at"));
  EXPECT_EQ(shape_of("to LOCAL(0), stratum"), shape_of("to 10.1.1.1, stratum"));
}

TEST(LineShape, ListsOfDifferentLengthAreOfOneShape) {
  EXPECT_EQ(shape_of("irqs 1 2 3 done"), shape_of("irqs 7 done"));
  EXPECT_EQ(shape_of("blocks 1, 2, 3"), shape_of("blocks 9"));
}

TEST(LineShape, QuotedTextBehindANameIsAValue) {
  EXPECT_EQ(shape_of("tag=\"View Lock\", x"), "tag = * , x");
  EXPECT_EQ(shape_of("tag=\"never closed"), "tag = \" never closed");
}

TEST(LineShape, NothingIsReadBeyondALine) {
  for (const std::string_view line : {"", " ", "/", "h", "http:/", "https://", "=", "=\"", ":",
                                      "::", "a:", "1:2:", "\x80", "(", "()", ")"}) {
    EXPECT_NO_FATAL_FAILURE((void)shape_of(line)) << line;
  }
  EXPECT_EQ(shape_of(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(shape_of(std::string(5000, '(')).size(), 9999U);
}

}  // namespace
}  // namespace quern::mining
