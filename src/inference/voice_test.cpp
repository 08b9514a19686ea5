#include "inference/voice.hpp"

#include "inference/test_reader.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

// Token n is the n-th piece; the last one ends the answer.
class Pieces final : public Vocabulary {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  std::uint32_t size() const override { return static_cast<std::uint32_t>(pieces_.size()) + 1; }
  std::string bytes_of(Token token, Special special) const override {
    if (static_cast<std::size_t>(token) == pieces_.size()) return {};
    const std::string& piece = pieces_[static_cast<std::size_t>(token)];
    return piece.starts_with("<") && special == Special::hide ? "" : piece;
  }
  bool ends(Token token) const override {
    return static_cast<std::size_t>(token) == pieces_.size();
  }

 private:
  std::vector<std::string> pieces_;
};

// Everything after "call:" is the argument of one tool call.
class CallParser final : public AnswerParser {
 public:
  std::vector<Event> add(std::string_view text) override {
    text_ += text;
    return {};
  }
  std::vector<Event> end(End end) override {
    ended = end;
    if (!text_.starts_with("call:")) return {Content{text_}};
    calls_ = true;
    return {ToolCallDelta{.index = 0, .id = "1", .name = "f", .arguments = text_.substr(5)}};
  }
  bool calls_tools() const override { return calls_; }
  End ended = End::whole;

 private:
  std::string text_;
  bool calls_ = false;
};

struct Told {
  Answer answer;
  FinishReason reason = FinishReason::length;
  std::size_t said = 0;
};

// Speaks the pieces in their order.
Told speak(const std::vector<std::string>& pieces, VoiceOptions options) {
  Told told;
  options.sampling.temperature = 0;
  const auto vocabulary = std::make_shared<Pieces>(pieces);
  auto channel = std::make_shared<EventChannel>(1000, nullptr);
  Voice voice(vocabulary, std::move(options), channel, {});
  for (Token token = 0; token < static_cast<Token>(vocabulary->size()); ++token) {
    std::vector<float> logits(vocabulary->size(), 0.F);
    logits[static_cast<std::size_t>(token)] = 9;
    const auto said = voice.say(logits);
    EXPECT_TRUE(said.ok());
    ++told.said;
    if (!said->ended) continue;
    told.reason = *said->ended;
    break;
  }
  told.reason = voice.close(told.reason);
  const auto events = channel->read().value();
  for (const Event& event : events) add_event(told.answer, event);
  return told;
}

TEST(Voice, SpeaksWholeCharactersToItsEnd) {
  const Told told = speak({"Hi ", "\xF0\x9F", "\xA6\x80", "!"}, {});
  EXPECT_EQ(told.answer.text, "Hi \xF0\x9F\xA6\x80!");
  EXPECT_EQ(told.reason, FinishReason::stop);
  EXPECT_EQ(told.said, 5U);
}

TEST(Voice, StopsAtAStringAcrossTokens) {
  VoiceOptions options;
  options.stop = {"END"};
  const Told told = speak({"one ", "E", "ND", " two"}, std::move(options));
  EXPECT_EQ(told.answer.text, "one ");
  EXPECT_EQ(told.said, 3U);
  EXPECT_EQ(told.reason, FinishReason::stop);
}

TEST(Voice, ControlTokensAreHiddenUnlessTheParserWantsThem) {
  EXPECT_EQ(speak({"a", "<tool>", "b"}, {}).answer.text, "ab");
  VoiceOptions options;
  options.shown = {1};
  EXPECT_EQ(speak({"a", "<tool>", "b"}, std::move(options)).answer.text, "a<tool>b");
}

TEST(Voice, LogprobsComeWithTheTextTheyBelongTo) {
  VoiceOptions options;
  options.logprobs = 2;
  options.stop = {"END"};
  const Told told = speak({"one", " two", "EN", "D"}, std::move(options));
  ASSERT_EQ(told.answer.logprobs.size(), 2U);  // not those of the stop string
  EXPECT_EQ(told.answer.logprobs[1].chosen.bytes, " two");
  EXPECT_EQ(told.answer.logprobs[1].top.size(), 2U);
  EXPECT_EQ(told.answer.logprobs[1].top[0].token, 1);
}

TEST(Voice, LogprobsOfHeldBackTextComeAtTheEnd) {
  VoiceOptions options;
  options.logprobs = 0;
  options.stop = {"END"};
  const Told told = speak({"one", "EN"}, std::move(options));
  EXPECT_EQ(told.answer.text, "oneEN");
  EXPECT_EQ(told.answer.logprobs.size(), 2U);
}

TEST(Voice, ToolCallsChangeTheReason) {
  VoiceOptions options;
  options.parser = std::make_unique<CallParser>();
  const Told told = speak({"call:", "{}"}, std::move(options));
  EXPECT_EQ(told.reason, FinishReason::tool_calls);
  ASSERT_EQ(told.answer.tool_calls.size(), 1U);
  EXPECT_EQ(told.answer.tool_calls[0].arguments, "{}");
}

}  // namespace
}  // namespace quern::inference
