#include "inference/grammar_machine.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace quern::inference {
namespace {

constexpr std::uint64_t kPlenty = 1'000'000;

GrammarMachine machine_of(std::string_view text) {
  return GrammarMachine(read_gbnf(text, [](auto) { return std::nullopt; }).value());
}

enum class Fit : std::uint8_t { no, begins, whole, exhausted };

Fit fit(std::string_view grammar, std::u32string_view text, std::uint64_t work = kPlenty) {
  GrammarMachine machine = machine_of(grammar);
  machine.allow(work);
  auto state = machine.start();
  if (machine.exhausted()) return Fit::exhausted;
  for (const char32_t letter : text) {
    machine.allow(work);
    state = machine.tidy(machine.after(state, letter));
    if (machine.exhausted()) return Fit::exhausted;
  }
  if (state == GrammarMachine::kNowhere) return Fit::no;
  return machine.complete(state) ? Fit::whole : Fit::begins;
}

TEST(GrammarMachine, FollowsRulesAndAlternatives) {
  constexpr auto kGreeting =
      "root ::= hi \" \" (\"you\" | [A-Z] [a-z]+)\nhi ::= \"hi\" | \"hello\"";
  EXPECT_EQ(fit(kGreeting, U"hello Ann"), Fit::whole);
  EXPECT_EQ(fit(kGreeting, U"hi A"), Fit::begins);
  EXPECT_EQ(fit(kGreeting, U"hi you"), Fit::whole);
  EXPECT_EQ(fit(kGreeting, U"hi ann"), Fit::no);
  EXPECT_EQ(fit("root ::= [^a-c]", U"é"), Fit::whole);
  EXPECT_EQ(fit("root ::= [^a-c]", U"b"), Fit::no);
  EXPECT_EQ(fit("root ::= .", U"\U0001F600"), Fit::whole);
}

TEST(GrammarMachine, CountsRepetitions) {
  for (std::size_t n = 0; n < 8; ++n) {
    const std::u32string text(n, U'a');
    EXPECT_EQ(fit("root ::= \"a\"{2,5}", text), n < 2    ? Fit::begins
                                                : n <= 5 ? Fit::whole
                                                         : Fit::no);
    EXPECT_EQ(fit("root ::= \"a\"{3}", text), n < 3 ? Fit::begins : n == 3 ? Fit::whole : Fit::no);
    EXPECT_EQ(fit("root ::= \"a\"{3,}", text), n < 3 ? Fit::begins : Fit::whole);
    EXPECT_EQ(fit("root ::= \"a\"?", text), n <= 1 ? Fit::whole : Fit::no);
    EXPECT_EQ(fit("root ::= \"a\"{0}", text), n == 0 ? Fit::whole : Fit::no);
    EXPECT_EQ(fit("root ::= (\"a\"?){2,4}", text), n <= 4 ? Fit::whole : Fit::no);
    EXPECT_EQ(fit("root ::= (\"a\"*)*", text), Fit::whole);
    EXPECT_EQ(fit("root ::= (\"a\"*)+ \"a\"", text), n == 0 ? Fit::begins : Fit::whole);
  }
}

TEST(GrammarMachine, KeepsAStackThroughTidying) {
  constexpr auto kNested = "root ::= \"(\" root \")\" | \"\"";
  constexpr std::size_t kDepth = 20000;  // more frames than tidy() lets lie
  const std::u32string open(kDepth, U'(');
  EXPECT_EQ(fit(kNested, open + std::u32string(kDepth, U')')), Fit::whole);
  EXPECT_EQ(fit(kNested, open + std::u32string(kDepth - 1, U')')), Fit::begins);
  EXPECT_EQ(fit(kNested, open + std::u32string(kDepth + 1, U')')), Fit::no);
}

TEST(GrammarMachine, TellsVeryManyLettersApart) {
  std::string grammar = "root ::= [";  // every other letter, which is more classes than tables hold
  for (int i = 0; i < 2000; ++i) {
    char escaped[16];
    std::snprintf(escaped, sizeof escaped, "\\u%04X", 0x4E00 + 2 * i);
    grammar += escaped;
  }
  grammar += "]+";
  EXPECT_EQ(fit(grammar, U"\u4E00\u4E02"), Fit::whole);
  EXPECT_EQ(fit(grammar, U"\u4E00\u4E01"), Fit::no);
}

TEST(GrammarMachine, LongListsGrowNoStack) {
  const std::u32string text(20000, U'a');
  EXPECT_EQ(fit("root ::= \"a\" root | \"\"", text, 10000), Fit::whole);
}

TEST(GrammarMachine, StandsStillWhenTheAllowanceIsSpent) {
  EXPECT_EQ(fit("root ::= root \"a\" | \"a\"", U""), Fit::exhausted);
  EXPECT_EQ(fit("root ::= a\na ::= \"\" | b \"x\"\nb ::= a a", U""), Fit::exhausted);
  EXPECT_EQ(fit("root ::= ((((\"a\"?){1,50}){1,50}){1,50}){1,50}", U""), Fit::exhausted);
  EXPECT_EQ(fit("root ::= (\"a\"?){1000000000}", U""), Fit::exhausted);
}

}  // namespace
}  // namespace quern::inference
