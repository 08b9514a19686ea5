#include "inference/gbnf.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

Result<GrammarRules> read(std::string_view text) {
  return read_gbnf(text, [](std::string_view name) {
    return name == "<think>" ? std::optional<Token>(7) : std::nullopt;
  });
}

TEST(Gbnf, ReadsWhatTheNotationHas) {
  for (const char* text :
       {"root ::= \"a\"", "# a comment\r\n\r\nroot ::= a | b # another\na ::= \"\"\nb::=[^a-z\\]-]",
        "root ::= (\n  \"a\" |\n  \"b\"\n)+ end\nend ::= \"\\x41\\u00e9\\U0001F600\\n\\\"\"",
        "root ::= . | <think> !<[12]> <[3]>", "root ::= \"a\"{2} \"b\"{0,} \"c\"{ 1 , 3 }?",
        "root ::= \"\" |"}) {
    const auto rules = read(text);
    EXPECT_TRUE(rules.ok()) << text << ": " << rules.error().describe();
  }
}

TEST(Gbnf, SetsKnowTheirLetters) {
  const auto set_of = [](std::string_view text) {
    return read("root ::= " + std::string(text)).value().sets.front();
  };
  const CharSet some = set_of("[x-za-cb-eq]");
  EXPECT_EQ(some.ranges.size(), 3U);  // a-e q x-z
  const CharSet others = set_of("[^x-za-cb-eq]");
  for (char32_t letter = U'`'; letter <= U'~'; ++letter) {
    const bool in =
        (letter >= U'a' && letter <= U'e') || letter == U'q' || (letter >= U'x' && letter <= U'z');
    EXPECT_EQ(some.has(letter), in);
    EXPECT_EQ(others.has(letter), !in);
  }
  EXPECT_TRUE(some.meets({U'f', U'q'}));
  EXPECT_FALSE(some.meets({U'f', U'p'}));
  EXPECT_FALSE(some.meets({U'{', U'~'}));
  EXPECT_FALSE(others.meets({U'b', U'd'}));
  EXPECT_TRUE(others.meets({U'b', U'f'}));
  EXPECT_TRUE(others.meets({U'{', U'~'}));
}

TEST(Gbnf, KeepsBoundsInsteadOfWritingThemOut) {
  const auto rules = read("root ::= [a-z]{3,1000000} \"ab\"*").value();
  EXPECT_LT(rules.items.size(), 16U);
  const GrammarItem& item = rules.items[rules.rules[rules.root].front()];
  EXPECT_EQ(item.kind, GrammarItem::Kind::repeat);
  EXPECT_EQ(item.least, 3U);
  EXPECT_EQ(item.most, 1000000U);
}

TEST(Gbnf, NamesTheLineThatIsWrong) {
  struct Bad {
    const char* text;
    const char* says;
  };
  for (const auto& [text, says] : {
           Bad{"", "empty"},
           Bad{"a ::= \"x\"", "'root'"},
           Bad{"root ::= missing", "'missing'"},
           Bad{"root ::= \"a\"\nnonsense", "line 2: '::='"},
           Bad{"root ::= [", "too early"},
           Bad{"root ::= \"a", "too early"},
           Bad{"root ::= []", "empty"},
           Bad{"root ::= [z-a]", "before it begins"},
           Bad{"root ::= \"\\UFFFFFFFF\"", "no such letter"},
           Bad{"root ::= (\"a\"", "')'"},
           Bad{"root ::= \"a\")", "')' is not expected"},
           Bad{"root ::= *", "repetition"},
           Bad{"root ::= \"\"*", "repetition"},
           Bad{"root ::= \"a\"{", "a number"},
           Bad{"root ::= \"a\"{5,2}", "above"},
           Bad{"root ::= \"a\"{99999999999}", "1000000000"},
           Bad{"root ::= \"\\q\"", "escape"},
           Bad{"root ::= \"\\x4\"", "hexadecimal"},
           Bad{"root ::= <unknown>", "<unknown>"},
           Bad{"root ::= <unknown", "token"},
           Bad{"root ::= \"\xC3\"", "UTF-8"},
       }) {
    const auto rules = read(text);
    ASSERT_FALSE(rules.ok()) << text;
    EXPECT_EQ(rules.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(rules.error().message().find(says), std::string::npos) << rules.error().message();
  }
}

TEST(Gbnf, RefusesWhatIsTooLongOrTooDeep) {
  EXPECT_FALSE(read(std::string(kLongestGrammar + 1, ' ')).ok());
  const auto nested = [](std::size_t depth) {
    return read("root ::= " + std::string(depth, '(') + "\"a\"" + std::string(depth, ')'));
  };
  EXPECT_TRUE(nested(60).ok());
  EXPECT_FALSE(nested(100000).ok());
  EXPECT_FALSE(read("root ::= \"a\"" + std::string(100000, '?')).ok());
  EXPECT_TRUE(read("root ::= \"" + std::string(1000, '(') + "\"").ok());  // brackets in a text
}

TEST(Gbnf, MultipliesRepetitionsInRepetitions) {
  EXPECT_FALSE(repeats_more_than(read("root ::= (\"a\"{10} \"b\"{10}){10}").value(), 100));
  EXPECT_TRUE(repeats_more_than(read("root ::= (\"a\"{10} \"b\"{11}){10}").value(), 100));
  EXPECT_FALSE(repeats_more_than(read("root ::= ((\"a\"*)*)*").value(), 1));
  EXPECT_TRUE(repeats_more_than(read("root ::= \"a\" root").value(), 100));  // without an end
}

}  // namespace
}  // namespace quern::inference
