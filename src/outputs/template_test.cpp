#include "outputs/template.hpp"

#include "outputs/test_support.hpp"

namespace quern::outputs {
namespace {

std::string rendered(std::string_view text, std::string_view tag, std::string_view json,
                     Template::Escape escape = one_line) {
  const Result<Template> made = Template::parse(text);
  if (!made.ok()) return made.error().message();
  logs::Batch batch;
  test::add(batch, tag, json);
  std::string out;
  made->render(batch[0], escape, out);
  return out;
}

TEST(Template, PlacesAreFilled) {
  EXPECT_EQ(rendered("{a.b}|{n}|{m}|{gone}|{@tag}|{@line}|{{x}", "t.u",
                     R"({"log":"a\nb","a":{"b":"c"},"n":5,"m":{"x":[1]}})"),
            R"(c|5|{"x":[1]}||t.u|a\nb|{x})");
  EXPECT_EQ(rendered("{@time} {@time:%Y.%m.%d-%H%M%S-%j} {@record}", "t", R"({"a":1})"),
            R"(2026-11-22T09:40:01.000000000Z 2026.11.22-094001-326 {"a":1})");
}

TEST(Template, WhatIsWrongIsNamed) {
  EXPECT_THAT(rendered("{a", "t", "{}"), testing::HasSubstr("has no"));
  EXPECT_THAT(rendered("{}", "t", "{}"), testing::HasSubstr("no field"));
  EXPECT_THAT(rendered("{@tga}", "t", "{}"), testing::HasSubstr("{@tga} is unknown"));
  EXPECT_THAT(rendered("{@time:%Q}", "t", "{}"), testing::HasSubstr("unknown"));
}

TEST(Template, OneLineStaysOneAndMovesNoCursor) {
  EXPECT_EQ(rendered("{@line}", "t", R"({"log":"a\r\nb\u001b[2J\u0000\tc"})"),
            "a\\x0d\\nb\\x1b[2J\\x00\tc");
}

TEST(Template, NoTagClimbsOutOfAFolder) {
  EXPECT_EQ(rendered("/logs/{@tag}.log", "../../etc/passwd", "{}", path_part),
            "/logs/_._.._etc_passwd.log");
}

TEST(Template, PartsOfPathsAreBounded) {
  EXPECT_EQ(rendered("{@tag}", "", "{}", path_part), "_");
  EXPECT_EQ(rendered("{@tag}", "..", "{}", path_part), "_.");
  EXPECT_EQ(rendered("{@tag}", std::string(200, 'a'), "{}", path_part), std::string(64, 'a'));
}

}  // namespace
}  // namespace quern::outputs
