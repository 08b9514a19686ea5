#include "base/settings.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

using namespace std::chrono_literals;

Settings read(std::string_view toml) {
  auto parsed = Settings::parse(toml, "pipe.toml");
  EXPECT_TRUE(parsed.ok()) << parsed.error().describe();
  return *std::move(parsed);
}

std::string message(const Result<>& result) {
  return result.ok() ? "ok" : result.error().message();
}
template <class T>
std::string message(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().message();
}

TEST(Settings, ValuesAndTheirFallbacks) {
  Settings all = read(R"(
name = "app"
many = ["a", "b"]
one = "c"
count = 7
share = 0.5
yes = true
limit = "2 MiB"
time = "3s"
[headers]
b = "2"
a = "1"
)");
  EXPECT_EQ(*all.text("name"), "app");
  EXPECT_EQ(*all.text_or("missing", "x"), "x");
  EXPECT_EQ(*all.texts("many"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*all.texts("one"), (std::vector<std::string>{"c"}));
  EXPECT_EQ(*all.number_or("count", 1, {.least = 1, .most = 7}), 7U);
  EXPECT_EQ(*all.decimal_or("share", 1, 0, 1), 0.5);
  EXPECT_EQ(*all.decimal_or("count", 1, 0, 9), 7.0);
  EXPECT_TRUE(*all.flag_or("yes", false));
  EXPECT_EQ(*all.bytes_or("limit", 1_MiB), 2_MiB);
  EXPECT_EQ(*all.duration_or("time", 1s), 3s);
  EXPECT_EQ(all.pairs("headers")->front(), (std::pair<std::string, std::string>{"a", "1"}));
  EXPECT_EQ(*all.one_of("absent", {"first", "second"}), "first");
  EXPECT_TRUE(all.finish().ok());
}

TEST(Settings, WhatIsWrongIsNamedWithItsLineAndTable) {
  Settings all = read("\n[[input]]\nlimit = \"64\"\n[[input]]\nlimit = 3\n");
  std::vector<Settings> inputs = *all.tables("input");
  ASSERT_EQ(inputs.size(), 2U);
  inputs[1].call("[[input]] app");
  EXPECT_EQ(message(inputs[0].bytes_or("limit", 1_MiB)),
            "pipe.toml:3: limit in [[input]]: needs a unit, as in \"256 MiB\"");
  EXPECT_EQ(message(inputs[1].bytes_or("limit", 1_MiB)),
            "pipe.toml:5: limit in [[input]] app: must be a string");
  EXPECT_EQ(message(inputs[1].text("path")), "pipe.toml:4: path in [[input]] app: is missing");
  EXPECT_EQ(message(inputs[1].number_or("limit", 1, {.least = 4, .most = 5})),
            "pipe.toml:5: limit in [[input]] app: must be a whole number, 4 to 5");
}

TEST(Settings, UnknownKeysAreRefusedWithWhatWasMeant) {
  Settings all = read("limti = 3\n");
  (void)all.bytes_or("limit", 1_MiB);
  EXPECT_EQ(message(all.finish()),
            "pipe.toml:1: unknown key \"limti\"; did you mean \"limit\"?; allowed: limit");
}

TEST(Settings, AnEntryThatIsRefusedIsNamedWithItsOwnLine) {
  Settings all = read("[t]\nmany = [\n\"a\",\n\"b\"]\n[t.\"free form\"]\nz = 1\na = 2\n");
  Settings table = all.table("t")->value();
  EXPECT_EQ(message(table.texts("many",
                                [](const std::string& text) -> Result<> {
                                  if (text == "a") return {};
                                  return fail(ErrorKind::invalid_argument, "is not a");
                                })),
            "pipe.toml:4: many in [t]: is not a");
  EXPECT_EQ(*table.table("free form")->value().keys(), (std::vector<std::string>{"a", "z"}));
}

TEST(Settings, SecretsAreTextsVariablesOrFiles) {
  Settings all =
      read("a = \"x\"\nb = { env = \"KEY\" }\nc = { file = \"/k\" }\nd = { other = \"\" }");
  EXPECT_EQ(all.secret("a")->value().value, "x");
  EXPECT_EQ(all.secret("b")->value().kind, SecretSource::Kind::variable);
  EXPECT_EQ(all.secret("c")->value().value, "/k");
  EXPECT_FALSE(all.secret("d").ok());
  EXPECT_FALSE(all.secret("e")->has_value());
}

TEST(Settings, ABrokenFileNamesTheLine) {
  const auto broken = Settings::parse("a = 1\nb = = 2\n", "pipe.toml");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().message().substr(0, 13), "pipe.toml:2: ");
}

TEST(Settings, TablesThatSayTheSameHaveTheSameText) {
  Settings one = read("[[f]]\na = 1\nb = \"x\"");
  Settings other = read("# moved\n\n[[f]]\nb = \"x\"   # as before\na = 1");
  EXPECT_EQ(one.tables("f")->front().canonical(), other.tables("f")->front().canonical());
}

}  // namespace
}  // namespace quern
