#include "cli/conversation.hpp"

#include "cli/test_world.hpp"

#include <csignal>

namespace quern::cli {
namespace {

constexpr std::string_view kScript = R"([
  {"when": "slow", "say": ["one ", "two ", "three ", "four"], "delay_ms": 400},
  {"when": "rude", "say": ["\u001b[31mred"]},
  {"when": "busy", "error": "resource_exhausted", "message": "the queue is full"},
  {"say": ["Hello ", "there."]}
])";

class Talk : public WithWorld {
 protected:
  Talk() {
    EXPECT_TRUE(files_.make_directories("/s", 0755).ok());
    EXPECT_TRUE(files_.write("/s/script.json", as_bytes(kScript)).ok());
    process_.environment["QUERN_HOME"] = "/home/quern";
    options_.model.fake_model = "/s/script.json";
  }
  Result<int> run() { return chat(options_, world_); }

  Chat options_;
};

TEST_F(Talk, AnswersOneQuestionAndEnds) {
  options_.prompt = {"hi", "you"};
  const Result<int> code = run();
  ASSERT_TRUE(code.ok()) << code.error().describe();
  EXPECT_EQ(*code, 0);
  EXPECT_EQ(console_.written_out, "Hello there.\n");
}

TEST_F(Talk, ReadsThePipeWhenThereIsOne) {
  console_.input = "are you busy";
  const Result<int> code = run();
  ASSERT_FALSE(code.ok());
  EXPECT_EQ(code.error().describe(), "the queue is full");
}

TEST_F(Talk, AnEmptyPipeIsNoQuestion) {
  console_.input = " \n";
  EXPECT_EQ(run().error().kind(), ErrorKind::invalid_argument);
}

TEST_F(Talk, ABrokenScriptIsNamed) {
  ASSERT_TRUE(files_.write("/s/script.json", as_bytes("nonsense")).ok());
  options_.prompt = {"hi"};
  EXPECT_EQ(run().error().describe(),
            "--fake-model /s/script.json: a script is a JSON list of objects");
}

// The conversation itself, without the editor.
class Conversing : public Talk {
 protected:
  Conversing() {
    models_.start(options_.model, home_, world_);
    EXPECT_TRUE(models_.wait({}).ok());
    conversation_ =
        std::make_unique<Conversation>(options_, models_, models_.all().front(), home_, world_);
  }
  std::string say(std::string_view line) {
    console_.written_out.clear();
    console_.written_err.clear();
    next_ = conversation_->command(line);
    return console_.written_out + console_.written_err;
  }
  Home home_ = *find_home(process_);
  Models models_;
  std::unique_ptr<Conversation> conversation_;
  Conversation::Next next_ = Conversation::Next::go_on;
};

TEST_F(Conversing, SavesWhatWasSaid) {
  say("/system Be kind.");
  ASSERT_TRUE(conversation_->ask("hi").ok());
  EXPECT_EQ(say("/save /s/talk.md"), "  saved in /s/talk.md\n");
  EXPECT_EQ(as_text(*files_.read("/s/talk.md", 1_MiB)),
            "## System\n\nBe kind.\n\n## You\n\nhi\n\n## Model\n\nHello there.\n\n");
}

TEST_F(Conversing, AFailureLeavesItAsItWas) {
  EXPECT_FALSE(conversation_->ask("busy").ok());
  ASSERT_TRUE(conversation_->ask("hi").ok());
  say("/save /s/talk.md");
  EXPECT_EQ(as_text(*files_.read("/s/talk.md", 1_MiB)).find("busy"), std::string_view::npos);
}

TEST_F(Conversing, ASignalStopsTheAnswerAndKeepsWhatWasSaid) {
  std::jthread impatient([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    signals_.deliver(SIGINT);
  });
  const auto start = clock_.now();
  const Result<> answered = conversation_->ask("slow");
  EXPECT_LT(clock_.now() - start, std::chrono::milliseconds(1500)) << "four parts take 1.6 s";
  ASSERT_FALSE(answered.ok());
  EXPECT_EQ(answered.error().kind(), ErrorKind::cancelled);
  EXPECT_TRUE(console_.written_out.starts_with("one ")) << console_.written_out;
}

TEST_F(Conversing, ATerminalObeysNoModel) {
  console_.terminal = true;
  ASSERT_TRUE(conversation_->ask("rude").ok());
  EXPECT_EQ(console_.written_out, "[31mred\n");
}

TEST_F(Conversing, CommandsAnswer) {
  EXPECT_NE(say("/help").find("/system TEXT"), std::string::npos);
  EXPECT_EQ(say("/model"), "  * fake\n");
  EXPECT_NE(say("/stats").find("a"), std::string::npos);
  EXPECT_EQ(say("/frobnicate"), "quern: unknown command /frobnicate\n  try: /help\n");
  EXPECT_EQ(say("/save"), "quern: /save needs a file's name\n");
  EXPECT_EQ(next_, Conversation::Next::go_on);
  say("/quit");
  EXPECT_EQ(next_, Conversation::Next::quit);
}

}  // namespace
}  // namespace quern::cli
