#include "logs/json.hpp"

#include "logs/msgpack.hpp"
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

std::string there_and_back(std::string_view json) {
  Buffer out;
  const Result<> read = from_json(json, out);
  if (!read.ok()) return read.error().message();
  std::string text;
  EXPECT_TRUE(msgpack::to_json(out, text).ok());
  return text;
}

TEST(Json, ComesBackAsItWas) {
  for (const std::string_view json :
       {R"({"a":1,"b":[true,false,null],"c":{"d":"x\n\"y"}})", "[]", "{}", "18446744073709551615",
        "-9223372036854775808", "0.1", "1e+300", "[[[]]]", R"("ü😀")"}) {
    EXPECT_EQ(there_and_back(json), json);
  }
}

TEST(Json, MapsAndArraysOfEverySize) {
  for (const int count : {15, 16, 17, 65535, 65536}) {
    std::string array = "[0";
    std::string map = "{\"0\":[1]";
    for (int i = 1; i < count; ++i) {
      array += ",0";
      map += ",\"" + std::to_string(i) + "\":[1]";
    }
    array += "]";
    map += "}";
    EXPECT_EQ(there_and_back(array), array) << count;
    EXPECT_EQ(there_and_back(map), map) << count;
  }
}

TEST(Json, WhatIsNoneNamesThePlaceAndAddsNothing) {
  for (const std::string_view json :
       {std::string_view(""), std::string_view("{"), std::string_view("{\"a\":1} x"),
        std::string_view("{}\0x", 4), std::string_view("\"\xff\""), std::string_view("01"),
        std::string_view("nul"), std::string_view("1e999")}) {
    Buffer out{std::byte{1}};
    EXPECT_FALSE(from_json(json, out).ok()) << json;
    EXPECT_EQ(out.size(), 1U);
  }
  EXPECT_EQ(there_and_back("{\"a\": tru}").substr(0, 18), "no JSON at byte 9:");
  EXPECT_EQ(there_and_back(std::string(200'000, '[')).substr(0, 19), "no JSON at byte 64:");
}

TEST(Json, NumbersKeepTheirValue) {
  EXPECT_EQ(there_and_back("-0"), "-0");
  EXPECT_EQ(there_and_back("18446744073709551616"), "18446744073709551616");
  EXPECT_EQ(there_and_back("1.0"), "1");
}

}  // namespace
}  // namespace quern::logs
