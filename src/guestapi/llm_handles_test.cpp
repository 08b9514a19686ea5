#include "guestapi/llm_handles.hpp"

#include "guestapi/test_guest.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace quern::guestapi {
namespace {

using inference::Content;
using inference::Event;
using inference::Finished;
using inference::Usage;

// A model's end of a generation, moved by hand.
struct Script {
  std::mutex mutex;
  std::vector<Event> events;
  std::optional<Error> error;
  std::function<void()> wake;
  bool over = false;
  bool cancelled = false;
  bool destroyed = false;
  Usage used;
  std::optional<inference::ContextFull> full;

  void say(Event event) {
    std::function<void()> to_wake;
    {
      const std::lock_guard lock(mutex);
      events.push_back(std::move(event));
      to_wake = std::exchange(wake, nullptr);
    }
    if (to_wake) to_wake();
  }
  // Wakes the reader for nothing.
  void disturb() {
    std::function<void()> to_wake;
    {
      const std::lock_guard lock(mutex);
      to_wake = std::exchange(wake, nullptr);
    }
    if (to_wake) to_wake();
  }
};

class HandMade final : public inference::Generation {
 public:
  explicit HandMade(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~HandMade() override {
    const std::lock_guard lock(script_->mutex);
    script_->destroyed = true;
  }
  Result<std::vector<Event>> read() override {
    const std::lock_guard lock(script_->mutex);
    if (script_->over) return fail(ErrorKind::cancelled, "over");
    if (script_->error) {
      script_->over = true;
      return fail(*script_->error);
    }
    auto events = std::exchange(script_->events, {});
    if (!events.empty() && std::holds_alternative<Finished>(events.back())) script_->over = true;
    return events;
  }
  void on_ready(std::function<void()> wake) override {
    {
      const std::lock_guard lock(script_->mutex);
      if (script_->events.empty() && !script_->error && !script_->over) {
        script_->wake = std::move(wake);
        return;
      }
    }
    wake();
  }
  void cancel() override { script_->cancelled = true; }
  Usage usage() const override { return script_->used; }
  std::optional<inference::ContextFull> context_full() const override { return script_->full; }

 private:
  const std::shared_ptr<Script> script_;
};

class Flag final : public wasm::Waitable {
 public:
  void set(bool ready) override { is_set = ready; }
  std::atomic<bool> is_set{false};
};

class LlmGenerationTest : public ::testing::Test {
 protected:
  std::shared_ptr<Inbox> start(bool blocking, std::shared_ptr<wasm::InstanceState> state = {}) {
    auto inbox = std::make_shared<Inbox>();
    auto call = std::make_shared<FakeCall>(Buffer(), std::move(state), inbox);
    blocking ? generation->blocking_read(std::move(call)) : generation->read(std::move(call));
    return inbox;
  }
  static std::size_t events_in(const Answer& answer) {
    auto in = answer.reader();
    return in.present() ? in.count() : 999;
  }

  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::vector<Usage> metered;
  std::shared_ptr<Account> account =
      std::make_shared<Account>(0, [this](const Usage& usage) { metered.push_back(usage); });
  std::shared_ptr<LlmGeneration> generation =
      std::make_shared<LlmGeneration>(std::make_unique<HandMade>(script), account, 0);
};

TEST_F(LlmGenerationTest, ReadNeverWaits) {
  EXPECT_EQ(events_in(start(false)->wait()), 0U);
  script->say(Content{"a"});
  script->say(Content{"b"});
  EXPECT_EQ(events_in(start(false)->wait()), 2U);
}

TEST_F(LlmGenerationTest, BlockingReadIsAnsweredByTheModelsThread) {
  const auto inbox = start(true);
  EXPECT_FALSE(inbox->answered());
  std::thread model([&] { script->say(Content{"a"}); });
  EXPECT_EQ(events_in(inbox->wait()), 1U);
  model.join();
}

TEST_F(LlmGenerationTest, AWakeForNothingIsNoAnswer) {
  const auto inbox = start(true);
  script->disturb();
  EXPECT_FALSE(inbox->answered());
  script->say(Content{"a"});
  EXPECT_EQ(events_in(inbox->wait()), 1U);
}

TEST_F(LlmGenerationTest, AfterTheEndEveryReadIsCancelled) {
  script->used = {.prompt_tokens = 3, .cached_tokens = 0, .completion_tokens = 4};
  script->say(Finished{.usage = script->used});
  EXPECT_EQ(events_in(start(true)->wait()), 1U);
  EXPECT_EQ(error_of(start(true)->wait()).which, LlmError::Case::cancelled);
  EXPECT_EQ(error_of(start(false)->wait()).which, LlmError::Case::cancelled);
  ASSERT_EQ(metered.size(), 1U);
  generation.reset();
  EXPECT_EQ(metered.size(), 1U);
  EXPECT_EQ(metered[0].completion_tokens, 4U);
}

TEST_F(LlmGenerationTest, AFullContextIsToldInNumbers) {
  script->full = inference::ContextFull{.prompt_tokens = 900, .context_tokens = 512};
  script->error = Error(ErrorKind::resource_exhausted, "too long");
  const LlmError error = error_of(start(true)->wait());
  EXPECT_EQ(error.which, LlmError::Case::context_full);
  EXPECT_EQ(error.context.prompt_tokens, 900U);
  EXPECT_EQ(error.context.context_tokens, 512U);
}

TEST_F(LlmGenerationTest, WhatIsDroppedIsMeteredAndDestroyed) {
  script->used = {.prompt_tokens = 8, .cached_tokens = 0, .completion_tokens = 2};
  generation.reset();
  EXPECT_TRUE(script->destroyed);
  ASSERT_EQ(metered.size(), 1U);
  EXPECT_EQ(metered[0].prompt_tokens, 8U);
}

// The call holds the instance, which holds the generation, which holds the call.
TEST_F(LlmGenerationTest, TheEndOfAnInstanceFreesACallThatWaits) {
  struct State final : wasm::InstanceState {
    std::shared_ptr<LlmGeneration> held;
    void ended() override { std::exchange(held, nullptr)->ended(); }
  };
  auto state = std::make_shared<State>();
  const auto inbox = start(true, state);
  state->held = std::move(generation);
  const std::weak_ptr<State> watch = state;
  state->ended();
  state.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(script->destroyed);
  EXPECT_EQ(inbox->wait().kind, Answer::Kind::dropped);
  script->say(Content{"nobody hears this"});
}

TEST_F(LlmGenerationTest, APollableIsReadyExactlyWhileThereIsSomethingToRead) {
  const auto flag = std::make_shared<Flag>();
  ASSERT_EQ(generation->subscribe(flag), flag);
  EXPECT_FALSE(flag->is_set);
  script->say(Content{"a"});
  EXPECT_TRUE(flag->is_set);
  start(false)->wait();
  EXPECT_FALSE(flag->is_set);
  script->say(Content{"b"});
  EXPECT_TRUE(flag->is_set);
  // Another subscription stands for the same thing.
  EXPECT_EQ(generation->subscribe(std::make_shared<Flag>()), flag);
  start(false)->wait();
  EXPECT_FALSE(flag->is_set);
  script->say(Finished{});
  EXPECT_TRUE(flag->is_set);
  start(false)->wait();
  EXPECT_TRUE(flag->is_set) << "a read would say cancelled, so there is something to read";
}

TEST_F(LlmGenerationTest, APollableOfWhatIsThereAlreadyIsReadyAtOnce) {
  script->say(Content{"a"});
  const auto flag = std::make_shared<Flag>();
  generation->subscribe(flag);
  EXPECT_TRUE(flag->is_set);
}

TEST_F(LlmGenerationTest, APollableAndABlockingReadDoNotRobEachOther) {
  const auto flag = std::make_shared<Flag>();
  generation->subscribe(flag);
  const auto inbox = start(true);
  script->say(Content{"a"});
  EXPECT_EQ(events_in(inbox->wait()), 1U);
  EXPECT_FALSE(flag->is_set);
  script->say(Content{"b"});
  EXPECT_TRUE(flag->is_set);
}

TEST_F(LlmGenerationTest, CancelReachesTheModel) {
  generation->cancel();
  EXPECT_TRUE(script->cancelled);
}

// The last reference may go on the model's own thread, while it wakes.
TEST_F(LlmGenerationTest, MayBeDroppedWhileItIsWoken) {
  for (int round = 0; round < 200; ++round) {
    const auto hand = std::make_shared<Script>();
    auto each = std::make_shared<LlmGeneration>(std::make_unique<HandMade>(hand), account, 0);
    auto inbox = std::make_shared<Inbox>();
    each->blocking_read(std::make_shared<FakeCall>(Buffer(), nullptr, inbox));
    std::thread model([&] { hand->say(Content{"a"}); });
    each->ended();
    each.reset();
    model.join();
    inbox->wait();
    EXPECT_TRUE(hand->destroyed);
  }
}

// ---- embeddings -----------------------------------------------------------------------------

// A model whose vectors are made by hand; it can do nothing else.
class Embeds final : public inference::Model {
 public:
  struct Ticket final : inference::Embedding {
    explicit Ticket(Embeds& of) : model(of) { ++model.wanted; }
    ~Ticket() override { --model.wanted; }
    Usage usage() const override { return {.prompt_tokens = 7}; }
    Embeds& model;
  };
  std::unique_ptr<inference::Embedding> embed(
      std::vector<std::string>, inference::Caller,
      std::function<void(Result<inference::Embeddings>)> called) override {
    done = std::move(called);
    if (at_once) std::exchange(done, nullptr)(fail(ErrorKind::resource_exhausted, "full"));
    return std::make_unique<Ticket>(*this);
  }
  const inference::ModelInfo& info() const override { return info_; }
  Result<std::unique_ptr<inference::Generation>> chat(inference::ChatRequest,
                                                      inference::Caller) override {
    return fail(ErrorKind::unsupported, "");
  }
  Result<std::unique_ptr<inference::Generation>> complete(inference::CompletionRequest,
                                                          inference::Caller) override {
    return fail(ErrorKind::unsupported, "");
  }
  Result<std::vector<inference::Token>> tokenize(std::string_view, bool) const override {
    return fail(ErrorKind::unsupported, "");
  }
  Result<std::string> detokenize(const std::vector<inference::Token>&) const override {
    return fail(ErrorKind::unsupported, "");
  }
  Result<std::uint32_t> count_tokens(const inference::ChatRequest&) const override {
    return fail(ErrorKind::unsupported, "");
  }
  inference::ModelLoad load() const override { return {}; }

  std::function<void(Result<inference::Embeddings>)> done;
  bool at_once = false;
  int wanted = 0;  // tickets alive

 private:
  const inference::ModelInfo info_;
};

class LlmEmbeddingTest : public LlmGenerationTest {
 protected:
  // Asks on behalf of an instance that holds the embedding.
  struct State final : wasm::InstanceState {
    std::shared_ptr<LlmEmbedding> held;
    void ended() override { std::exchange(held, nullptr)->ended(); }
  };
  std::shared_ptr<Inbox> ask() {
    auto inbox = std::make_shared<Inbox>();
    auto call = std::make_shared<FakeCall>(Buffer(), state, inbox);
    const auto embedding = std::make_shared<LlmEmbedding>(std::move(call), account, 0);
    state->held = embedding;
    embedding->begin(model, {"a"}, {},
                     [](wasm::HostCall& waiting, const Result<inference::Embeddings>& result) {
                       wasm::ValueWriter out;
                       waiting.resolve(out.present(result.ok()));
                     });
    return inbox;
  }

  std::shared_ptr<State> state = std::make_shared<State>();
  Embeds model;
};

TEST_F(LlmEmbeddingTest, TheCallIsAnsweredAndMetered) {
  const auto inbox = ask();
  EXPECT_FALSE(inbox->answered());
  EXPECT_EQ(model.wanted, 1);
  model.done(inference::Embeddings{.vectors = {{1.F}}, .prompt_tokens = 3});
  EXPECT_TRUE(inbox->wait().reader().present());
  EXPECT_EQ(model.wanted, 0);
  ASSERT_EQ(metered.size(), 1U);
  EXPECT_EQ(metered[0].prompt_tokens, 3U);
}

TEST_F(LlmEmbeddingTest, ARefusalAtTheDoorIsAnswered) {
  model.at_once = true;
  EXPECT_FALSE(ask()->wait().reader().present());
  EXPECT_EQ(model.wanted, 0);
}

// The call holds the instance, which holds the embedding, which holds the call.
TEST_F(LlmEmbeddingTest, TheEndOfAnInstanceCancelsIt) {
  const auto inbox = ask();
  const std::weak_ptr<State> watch = state;
  state->ended();
  state.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(model.wanted, 0) << "the model was not told";
  EXPECT_EQ(inbox->wait().kind, Answer::Kind::dropped);
  ASSERT_EQ(metered.size(), 1U);
  EXPECT_EQ(metered[0].prompt_tokens, 7U) << "what was computed until then";
  model.done(fail(ErrorKind::cancelled, "nobody hears this"));
  EXPECT_EQ(metered.size(), 1U);
}

}  // namespace
}  // namespace quern::guestapi
