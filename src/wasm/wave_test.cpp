#include "wasm/wave.hpp"

#include <gtest/gtest.h>

namespace quern::wasm {
namespace {

WitType type_of(std::string_view text) {
  auto type = parse_wit_type(text);
  EXPECT_TRUE(type.ok()) << type.error().describe();
  return type.ok() ? *type : WitType{};
}

// The value as it is written again, or the error.
std::string again(std::string_view type, std::string_view value) {
  const WitType read = type_of(type);
  const auto bytes = read_wave(read, value);
  return bytes.ok() ? write_wave(read, *bytes) : bytes.error().describe();
}

struct Case {
  const char* type;
  const char* value;
  const char* written;
};

TEST(Wave, ValuesAreReadAndWritten) {
  const std::vector<Case> cases{
      {"bool", "true", "true"},
      {"bool", " false ", "false"},
      {"u8", "255", "255"},
      {"s8", "-128", "-128"},
      {"u16", "65535", "65535"},
      {"s16", "-32768", "-32768"},
      {"u32", "4294967295", "4294967295"},
      {"s32", "-2147483648", "-2147483648"},
      {"u64", "18446744073709551615", "18446744073709551615"},
      {"s64", "-9223372036854775808", "-9223372036854775808"},
      {"f32", "0.1", "0.1"},
      {"f64", "1e3", "1000"},
      {"f64", "-0.000001", "-0.000001"},
      {"f64", "nan", "nan"},
      {"f32", "-inf", "-inf"},
      {"char", "'x'", "'x'"},
      {"char", "'\\''", "'\\''"},
      {"char", "'\"'", "'\"'"},
      {"char", "'\\u{1F30D}'", "'🌍'"},
      {"string", "\"\"", "\"\""},
      {"string", "\"a\\nb\\t\\\"c\\\" \\\\ 'd' ü 🌍 \\u{7}\"",
       "\"a\\nb\\t\\\"c\\\" \\\\ 'd' ü 🌍 \\u{7}\""},
      {"string", "\"\\u{202e}\"", "\"\\u{202e}\""},
      {"list<u8>", "[1, 2,3,]", "[1, 2, 3]"},
      {"list<list<string>>", "[[], [\"a\"]]", "[[], [\"a\"]]"},
      {"tuple<u8, string>", "(1, \"a\")", "(1, \"a\")"},
      {"record { x: s32, y: s32 }", "{y: 2, x: -1}", "{x: -1, y: 2}"},
      {"record { a: option<u8>, b: u8 }", "{b: 1}", "{b: 1}"},
      {"record { a: option<u8>, b: u8 }", "{b: 1, a: some(2)}", "{a: some(2), b: 1}"},
      {"record { a: option<u8> }", "{:}", "{:}"},
      {"variant { none-at-all, some-text(string) }", "none-at-all", "none-at-all"},
      {"variant { none-at-all, some-text(string) }", "some-text(\"a\")", "some-text(\"a\")"},
      {"enum { north, south }", "south", "south"},
      {"enum { true, false }", "%true", "true"},
      {"option<u32>", "none", "none"},
      {"option<u32>", "some(7)", "some(7)"},
      {"option<u32>", "7", "some(7)"},
      {"option<option<u32>>", "some(none)", "some(none)"},
      {"option<enum { some, other }>", "some(some)", "some(some)"},
      {"option<enum { some, other }>", "some", "some(some)"},
      {"result<u32, string>", "ok(1)", "ok(1)"},
      {"result<u32, string>", "1", "ok(1)"},
      {"result<u32, string>", "err(\"no\")", "err(\"no\")"},
      {"result<_, string>", "ok", "ok"},
      {"result<u8>", "err", "err"},
      {"result", "ok", "ok"},
      {"flags { read, write }", "{}", "{}"},
      {"flags { read, write }", "{write, read}", "{read, write}"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(again(each.type, each.value), each.written) << each.type << " of " << each.value;
  }
}

TEST(Wave, FortyFlagsTakeTwoWords) {
  std::string type = "flags { f0";
  for (int i = 1; i < 40; ++i) type += ", f" + std::to_string(i);
  EXPECT_EQ(again(type + " }", "{f39, f0, f31, f32}"), "{f0, f31, f32, f39}");
  EXPECT_EQ(read_wave(type_of(type + " }"), "{}")->size(), 8U);
}

TEST(Wave, ValuesLieAsTheBridgeHasThem) {
  const auto bytes =
      read_wave(type_of("result<record { name: string, size: option<u32> }, string>"),
                "ok({name: \"ab\", size: some(7)})");
  ASSERT_TRUE(bytes.ok()) << bytes.error().describe();
  EXPECT_EQ(
      std::string(as_text(*bytes)),
      std::string("\1\2\0\0\0ab\1\7\0\0\0", 12));  // the example of docs/formats/bridge-values.md
}

TEST(Wave, WhatDoesNotFitSaysWhatWasExpected) {
  const std::vector<Case> cases{
      {"u8", "256", "expected u8, found \"256\""},
      {"u8", "-1", "expected u8, found \"-1\""},
      {"u32", "1.5", "expected u32, found \"1.5\""},
      {"u32", "", "expected u32, found the end"},
      {"u32", "1 2", "expected the end of u32, found \"2\""},
      {"f32", "1e99", "expected f32, found \"1e99\""},
      {"bool", "yes", "expected bool, found \"yes\""},
      {"char", "'ab'", "expected a character in single quotes, found \"'ab'\""},
      {"char", "''", "expected a character in single quotes, found \"''\""},
      {"string", "hello", "expected a string in double quotes, found \"hello\""},
      {"string", "\"hello", "expected a string in double quotes with its end, found the end"},
      {"string", "\"\\x\"", "expected a string in double quotes with its end, found \"\"\""},
      {"string", "\"\\u{d800}\"", "expected a string in double quotes with its end, found \"}\"\""},
      {"list<u8>", "[1 2]", "expected ',' of list<u8>, found \"2]\""},
      {"list<u8>", "[1, 300]", "expected u8, found \"300]\""},
      {"tuple<u8, u8>", "(1)", "expected ',' of tuple<u8, u8>, found \")\""},
      {"record { x: u8 }", "{y: 1}", "expected a field of record { x: u8 }, found \"y: 1}\""},
      {"record { x: u8 }", "{x: 1, x: 2}", "expected the field x once, found \"x: 2}\""},
      {"record { x: u8 }", "{:}", "the field x is missing"},
      {"record { x: u8 }", "{x: a}", "the field x: expected u8, found \"a}\""},
      {"variant { a(u8) }", "a", "expected '(' of variant { a(u8) }, found the end"},
      {"enum { a }", "b", "expected enum { a }, found \"b\""},
      {"option<option<u8>>", "1", "expected option<option<u8>>, found \"1\""},
      {"flags { a }", "{b}", "expected flags { a }, found \"b}\""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(again(each.type, each.value), each.written) << each.type << " of " << each.value;
  }
}

constexpr std::string_view kLines =
    "\tadd\t(a: u32, b: u32) -> u32\n"
    "docs:math/ops@0.1.0\tadd\t(a: f64, b: f64) -> f64\n"
    "docs:math/ops@0.1.0\tnegate\t(a: f64) -> f64\n"
    "docs:math/more@0.1.0\tround\t(a: f64) -> s64\n"
    "docs:other/ops@1.0.0\tround\t(a: f32) -> s64\n"
    "\tstop\t()\n"
    "\topen\t(it: a resource)\n";

std::string found(std::string_view name) {
  const auto function = find_function(kLines, name);
  return function.ok() ? function->instance + "|" + function->name + "|" + function->text
                       : function.error().describe();
}

TEST(Functions, AreFoundByNameAndInterface) {
  EXPECT_EQ(found("add"), "|add|(a: u32, b: u32) -> u32") << "the component's own comes first";
  EXPECT_EQ(found("negate"), "docs:math/ops@0.1.0|negate|(a: f64) -> f64");
  for (const char* const name : {"ops/add", "docs:math/ops/add", "docs:math/ops@0.1.0/add"}) {
    EXPECT_EQ(found(name), "docs:math/ops@0.1.0|add|(a: f64, b: f64) -> f64") << name;
  }
  EXPECT_EQ(found("round"),
            "several functions are called round; name one with its interface: "
            "docs:math/more@0.1.0/round, docs:other/ops@1.0.0/round");
  EXPECT_EQ(found("more/round"), "docs:math/more@0.1.0|round|(a: f64) -> s64");
  EXPECT_EQ(found("multiply").find("the component exports no function multiply; it has add, "), 0U);
  EXPECT_EQ(find_function("", "x").error().describe(),
            "the component exports no function x, and no other");
  EXPECT_EQ(find_function(kLines, "open").error().kind(), ErrorKind::unsupported);
}

TEST(Functions, TakeTheirArgumentsByName) {
  const WitFunction add = *find_function(kLines, "add");
  EXPECT_EQ(*read_arguments(add, {"1", "2"}), *read_call(add, "(1, 2)"));
  EXPECT_EQ(*read_call(add, " ( 1 , 2, ) "), *read_call(add, "(1,2)"));
  EXPECT_EQ(read_arguments(add, {"1"}).error().describe(),
            "add(a: u32, b: u32) -> u32 takes 2 arguments, 1 given");
  EXPECT_EQ(read_arguments(add, {"1", "two"}).error().describe(),
            "the parameter b: expected u32, found \"two\"");
  EXPECT_EQ(read_call(add, "(1, -2)").error().describe(),
            "add: the parameter b: expected u32, found \"-2)\"");
  EXPECT_EQ(read_call(add, "(1, 2").error().describe(),
            "add: expected ')' of (a: u32, b: u32) -> u32, found the end");
  EXPECT_TRUE(read_call(*find_function(kLines, "stop"), "()")->empty());
}

TEST(Types, HaveABound) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "list<";
  EXPECT_EQ(parse_wit_type(deep + "u8").error().kind(), ErrorKind::unsupported);
  for (const char* const bad : {"", "u9", "list<", "list<>", "list<u8", "record { a }", "u8 u8",
                                "tuple<u8,", "variant { a(u8 }", "stream<u8>"}) {
    EXPECT_EQ(parse_wit_type(bad).error().kind(), ErrorKind::unsupported) << bad;
  }
}

}  // namespace
}  // namespace quern::wasm
