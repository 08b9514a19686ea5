#include "inference/grammar.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace quern::inference {
namespace {

// Token n is the n-th text; the last one ends the answer.
class Words final : public Vocabulary {
 public:
  explicit Words(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  std::uint32_t size() const override { return static_cast<std::uint32_t>(texts_.size()) + 1; }
  std::string bytes_of(Token token, Special /*special*/) const override {
    return ends(token) ? "<end>" : texts_[static_cast<std::size_t>(token)];
  }
  bool ends(Token token) const override { return static_cast<std::size_t>(token) == texts_.size(); }

 private:
  std::vector<std::string> texts_;
};

const std::vector<std::string> kTexts = {
    "a",    "ab",   "abc",     "b",    "\xC3", "\xC3\xA9",
    "é!",   "",     "c",       "<go>", "\xA9", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\xE0", "\xF0", "\xED\xA0"};
const auto kEnd = static_cast<Token>(kTexts.size());

std::unique_ptr<Constraint> grammar_of(const std::string& text) {
  return make_grammar(std::make_shared<TokenTexts>(Words(kTexts)), {.text = text}).value();
}

std::vector<Token> allowed(Constraint& grammar) {
  std::vector<float> logits(kTexts.size() + 1, 0.F);
  EXPECT_TRUE(grammar.mask(logits).ok());
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isinf(logits[i])) tokens.push_back(static_cast<Token>(i));
  }
  // One token and all of them are two ways to the same answer.
  for (Token token = 0; token <= kEnd; ++token) {
    const bool among = std::find(tokens.begin(), tokens.end(), token) != tokens.end();
    EXPECT_EQ(grammar.allows(token).value(), among) << token;
  }
  return tokens;
}

using Tokens = std::vector<Token>;

TEST(Grammar, LetsPassWhatFits) {
  const auto grammar = grammar_of("root ::= \"ab\" \"c\"?");
  EXPECT_EQ(allowed(*grammar), (Tokens{0, 1, 2}));
  ASSERT_TRUE(grammar->accept(0).ok());
  EXPECT_EQ(allowed(*grammar), Tokens{3});
  ASSERT_TRUE(grammar->accept(3).ok());
  EXPECT_EQ(allowed(*grammar), (Tokens{8, kEnd}));
  EXPECT_TRUE(grammar->accept(kEnd).ok());
  EXPECT_EQ(grammar->accept(3).error().kind(), ErrorKind::internal);
}

TEST(Grammar, ACharacterMayComeInPieces) {
  const auto grammar = grammar_of("root ::= [à-ü] \"!\"?");
  EXPECT_EQ(allowed(*grammar), (Tokens{4, 5, 6}));
  ASSERT_TRUE(grammar->accept(4).ok());
  EXPECT_EQ(allowed(*grammar), Tokens{10});
  ASSERT_TRUE(grammar->accept(10).ok());
  EXPECT_EQ(allowed(*grammar), Tokens{kEnd});
}

// 0xE0 and 0xF0 begin no letter that could be written shorter, 0xED 0xA0 none at all.
TEST(Grammar, BytesThatBeginNoSuchCharacterDoNotFit) {
  EXPECT_EQ(allowed(*grammar_of("root ::= [a-z]")), (Tokens{0, 3, 8}));
  EXPECT_EQ(allowed(*grammar_of("root ::= [\\u07FF]")), Tokens{});
  EXPECT_EQ(allowed(*grammar_of("root ::= [\\u0800]")), Tokens{12});
  EXPECT_EQ(allowed(*grammar_of("root ::= [\\uFFFF-\\U00010000]")), Tokens{13});
}

TEST(Grammar, TokensCanBeNamed) {
  EXPECT_EQ(allowed(*grammar_of("root ::= <go> | \"b\"")), (Tokens{3, 9}));
  EXPECT_EQ(allowed(*grammar_of("root ::= !<[9]>")),
            (Tokens{0, 1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14}));
  const auto grammar = grammar_of("root ::= <[9]> \"a\"");
  ASSERT_TRUE(grammar->accept(9).ok());
  EXPECT_EQ(allowed(*grammar), (Tokens{0}));
}

TEST(Grammar, ALazyOneWaitsForItsTrigger) {
  const auto texts = std::make_shared<TokenTexts>(Words(kTexts));
  const GrammarSource source{.text = "root ::= \"bc\"",
                             .lazy = true,
                             .trigger_patterns = {"^a*(b)"},
                             .trigger_tokens = {9},
                             .begun = {}};
  auto grammar = make_grammar(texts, source).value();
  EXPECT_EQ(allowed(*grammar).size(), kTexts.size() + 1);
  ASSERT_TRUE(grammar->accept(0).ok());
  ASSERT_TRUE(grammar->accept(1).ok());  // "aab": the grammar begins with "b"
  EXPECT_EQ(allowed(*grammar), Tokens{8});

  grammar = make_grammar(texts, source).value();  // the trigger does not fit: free text
  ASSERT_TRUE(grammar->accept(9).ok());
  EXPECT_EQ(allowed(*grammar).size(), kTexts.size() + 1);

  grammar = make_grammar(texts, source).value();  // after very much text there is no begin
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(grammar->accept(11).ok());
  ASSERT_TRUE(grammar->accept(3).ok());
  EXPECT_EQ(allowed(*grammar).size(), kTexts.size() + 1);
}

TEST(Grammar, EndlessOnesAreRefusedAtOnce) {
  const auto texts = std::make_shared<TokenTexts>(Words(kTexts));
  for (const char* text : {"root ::= root \"a\" | \"a\"", "root ::= (\"a\"?){1000000000}",
                           "root ::= ((((\"a\"?){1,50}){1,50}){1,50}){1,50}"}) {
    const auto made = make_grammar(texts, {.text = text});
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(made.error().message().find("ambiguous"), std::string::npos);
  }
}

TEST(Grammar, AStepEndsInAnErrorInsteadOfGoingOnForEver) {
  const auto grammar = grammar_of("root ::= \"c\" ((((\"a\"?){1,50}){1,50}){1,50}){1,50}");
  const auto before = std::chrono::steady_clock::now();
  const auto accepted = grammar->accept(8);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
  ASSERT_FALSE(accepted.ok());
  EXPECT_EQ(accepted.error().kind(), ErrorKind::invalid_argument);
  std::vector<float> logits(kTexts.size() + 1, 0.F);
  const auto deep = grammar_of("root ::= \"a\" ((((\"b\"?){1,50}){1,50}){1,50}){1,50}");
  EXPECT_FALSE(deep->mask(logits).ok());
}

}  // namespace
}  // namespace quern::inference
