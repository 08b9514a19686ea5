// quern:llm as a guest sees it, on a model that speaks from a script.
#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace quern::guestapi {
namespace {

using ::testing::HasSubstr;
using Case = LlmError::Case;
using inference::Content;
using namespace std::chrono_literals;

constexpr std::uint32_t kForged = 77;

class LlmHostTest : public ::testing::Test {
 protected:
  static std::vector<inference::ScriptLine> script() {
    return {{.when = "slow",
             .events = {Content{"a"}, Content{"b"}},
             .error = {},
             .delay_per_event = 50ms},
            {.when = "never", .events = {Content{"a"}}, .error = {}, .delay_per_event = 60s},
            {.when = "fail", .events = {}, .error = Error(ErrorKind::unsupported, "not this")},
            {.when = "", .events = {Content{"four words are here"}}, .error = {}}};
  }
  static Grants grants() { return {.models = {"gemma"}}; }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", script());
  LoadedModels models{*engine};
  GuestApi api{models};
};

// All texts of an answer until it is finished.
std::string read_all(const TestGuest& guest, std::uint32_t generation) {
  std::string text;
  for (int reads = 0; reads < 100; ++reads) {
    const Answer answer =
        guest.call("[method]generation.blocking-read", handle_argument(generation));
    auto in = answer.reader();
    if (!in.present()) return text + "<error " + std::to_string(in.discriminant()) + ">";
    for (std::uint32_t left = in.count(); left > 0; --left) {
      const std::uint32_t which = in.discriminant();
      if (which == 4) return text;
      EXPECT_EQ(which, 0U);
      text += in.text();
    }
  }
  return text + "<no end>";
}

TEST_F(LlmHostTest, OffersTheFunctionsOfTheContract) {
  std::vector<std::string> names;
  for (const auto& interface : api.imports().interfaces) {
    if (!interface.name.starts_with("quern:llm/")) continue;
    for (const auto& [name, function] : interface.functions) names.push_back(name);
  }
  EXPECT_EQ(names.size(), 13U);
}

TEST_F(LlmHostTest, AChatFromOpenToFinished) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("default");
  EXPECT_EQ(read_all(guest, guest.handle("[method]model.chat", chat_arguments(model))),
            "four words are here");
  EXPECT_EQ(read_all(guest, guest.handle("[method]model.chat",
                                         chat_arguments(model, {.user_texts = {"slow"}}))),
            "ab");
  EXPECT_EQ(read_all(guest, guest.handle("[method]model.complete",
                                         completion_arguments(model, "once upon"))),
            "four words are here");
}

TEST_F(LlmHostTest, GrantedModelsAreThoseOfTheGrantsInTheirOrder) {
  ASSERT_TRUE(engine->load({.name = "smollm2", .path = "x", .digest = "sha256:00"}).ok());
  ASSERT_TRUE(engine->load({.name = "secret", .path = "x", .digest = {}}).ok());
  const TestGuest guest(api, {.models = {"smollm2", "absent", "gemma"}});
  const Answer answer = guest.call("granted-models", {});
  auto in = answer.reader();
  ASSERT_EQ(in.count(), 2U);
  EXPECT_EQ(in.text(), "smollm2");
  const TestGuest all(api, {.models = {"*"}});
  EXPECT_EQ(all.call("granted-models", {}).reader().count(), 3U);
  const TestGuest none(api, {});
  EXPECT_EQ(none.call("granted-models", {}).reader().count(), 0U);
}

TEST_F(LlmHostTest, ADeniedModelNamesTheMissingGrant) {
  const TestGuest guest(api, grants());
  wasm::ValueWriter name;
  const LlmError error = error_of(guest.call("[static]model.open", name.text("secret")));
  EXPECT_EQ(error.which, Case::permission_denied);
  EXPECT_THAT(error.text, HasSubstr("models = [\"secret\"]"));
  wasm::ValueWriter fallback;
  const TestGuest none(api, {});
  EXPECT_EQ(error_of(none.call("[static]model.open", fallback.text("default"))).which,
            Case::permission_denied);
}

TEST_F(LlmHostTest, ADigestOpensTheGrantedModelThatHasIt) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string secret = "sha256:" + std::string(64, 'b');
  ASSERT_TRUE(engine->load({.name = "smollm2", .path = "x", .digest = digest}).ok());
  ASSERT_TRUE(engine->load({.name = "secret", .path = "x", .digest = secret}).ok());
  const TestGuest guest(api, {.models = {"gemma", "smollm2"}});
  EXPECT_NE(guest.open(digest), 0U);
  wasm::ValueWriter other;
  const LlmError error = error_of(guest.call("[static]model.open", other.text(secret)));
  EXPECT_EQ(error.which, Case::permission_denied) << "it is here, and not granted";
  const TestGuest all(api, {.models = {"*"}});
  EXPECT_NE(all.open(secret), 0U);
}

TEST_F(LlmHostTest, AGrantedModelThatIsNotHereIsNotFound) {
  const TestGuest guest(api, {.models = {"absent"}});
  wasm::ValueWriter name;
  EXPECT_EQ(error_of(guest.call("[static]model.open", name.text("default"))).which,
            Case::model_not_found);
}

TEST_F(LlmHostTest, AnOverlongNameIsRefusedBeforeItIsRepeatedInAMessage) {
  const TestGuest guest(api, grants());
  wasm::ValueWriter name;
  const LlmError error =
      error_of(guest.call("[static]model.open", name.text(std::string(1'000'000, 'x'))));
  EXPECT_EQ(error.which, Case::invalid_argument);
  EXPECT_LT(error.text.size(), 200U);
}

TEST_F(LlmHostTest, ForgedHandlesTrapByName) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  for (const char* method : {"read", "blocking-read", "subscribe", "cancel"}) {
    const std::string name = std::string("[method]generation.") + method;
    for (const std::uint32_t forged : {kForged, model, 0U, 0xffffffffU}) {
      const Answer answer = guest.call(name, handle_argument(forged));
      EXPECT_EQ(answer.kind, Answer::Kind::trapped) << name;
      EXPECT_THAT(answer.trap, HasSubstr("is no open generation"));
    }
  }
  EXPECT_THAT(guest.call("[method]model.chat", chat_arguments(kForged)).trap,
              HasSubstr("handle 77 is no open model"));
  EXPECT_THAT(guest.call("[method]model.info", handle_argument(kForged)).trap,
              HasSubstr("is no open model"));
  guest.drop("generation", kForged);
  guest.drop("generation", 0xffffffffU);
}

TEST_F(LlmHostTest, AnotherInstancesHandleIsNoHandleHere) {
  const TestGuest alice(api, grants());
  const TestGuest bob(api, grants());
  const std::uint32_t model = alice.open("gemma");
  EXPECT_EQ(bob.call("[method]model.info", handle_argument(model)).kind, Answer::Kind::trapped);
}

TEST_F(LlmHostTest, AStateThatIsNotOursTraps) {
  auto inbox = std::make_shared<Inbox>();
  const auto& interfaces = api.imports().interfaces;
  const auto llm = std::find_if(interfaces.begin(), interfaces.end(), [](const auto& each) {
    return each.name == "quern:llm/inference@0.1.0";
  });
  ASSERT_NE(llm, interfaces.end());
  const auto& functions = llm->functions;
  functions.front().second(std::make_unique<FakeCall>(Buffer(), nullptr, inbox));
  EXPECT_EQ(inbox->wait().kind, Answer::Kind::trapped);
}

TEST_F(LlmHostTest, OpenHandlesAreBoundedByTheManifest) {
  Grants few = grants();
  few.limits.handles = 3;
  const TestGuest guest(api, few);
  for (int i = 0; i < 3; ++i) guest.open("gemma");
  wasm::ValueWriter name;
  EXPECT_THAT(guest.call("[static]model.open", name.text("gemma")).trap,
              HasSubstr("limits.handles"));
}

TEST_F(LlmHostTest, WrongParametersAreNamed) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  const LlmError error = error_of(
      guest.call("[method]model.chat", chat_arguments(model, {.sampling = {.temperature = 9.F}})));
  EXPECT_EQ(error.which, Case::invalid_argument);
  EXPECT_THAT(error.text, HasSubstr("temperature must be 0 to 2"));
  EXPECT_EQ(
      error_of(guest.call("[method]model.chat", chat_arguments(model, {.user_texts = {}}))).which,
      Case::invalid_argument);
}

TEST_F(LlmHostTest, WhatTheModelRefusesComesWithTheFirstRead) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  const std::uint32_t generation =
      guest.handle("[method]model.chat", chat_arguments(model, {.user_texts = {"fail"}}));
  const LlmError error =
      error_of(guest.call("[method]generation.blocking-read", handle_argument(generation)));
  EXPECT_EQ(error.which, Case::unsupported);
  EXPECT_EQ(error.text, "not this");
}

TEST_F(LlmHostTest, ATimeoutIsADeadline) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  const std::uint32_t generation = guest.handle(
      "[method]model.chat", chat_arguments(model, {.user_texts = {"never"}, .timeout_ms = 30}));
  EXPECT_EQ(
      error_of(guest.call("[method]generation.blocking-read", handle_argument(generation))).which,
      Case::deadline_exceeded);
}

TEST_F(LlmHostTest, DroppingAModelEndsNothingThatItBegan) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  const std::uint32_t generation =
      guest.handle("[method]model.chat", chat_arguments(model, {.user_texts = {"slow"}}));
  guest.drop("model", model);
  EXPECT_EQ(read_all(guest, generation), "ab");
}

TEST_F(LlmHostTest, TheEndOfAnInstanceFreesItsSlotWhileACallWaits) {
  TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  const std::uint32_t generation =
      guest.handle("[method]model.chat", chat_arguments(model, {.user_texts = {"never"}}));
  const auto waiting = guest.start("[method]generation.blocking-read", handle_argument(generation));
  const auto fake = engine->find("gemma").value();
  EXPECT_EQ(fake->load().running, 1U);
  const auto state = guest.state();
  guest.end();
  EXPECT_TRUE(state.expired());
  EXPECT_EQ(waiting->wait().kind, Answer::Kind::dropped);
}

TEST_F(LlmHostTest, EmbedTokenizeDetokenizeAndCount) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  wasm::ValueWriter texts;
  texts.resource(model).count(2).text("one").text("two words");
  const Answer embedded = guest.call("[method]model.embed", texts);
  auto vectors = embedded.reader();
  ASSERT_TRUE(vectors.present());
  EXPECT_EQ(vectors.count(), 2U);

  wasm::ValueWriter text;
  text.resource(model).text("three small words").boolean(false);
  const Answer tokenized = guest.call("[method]model.tokenize", text);
  auto tokens = tokenized.reader();
  ASSERT_TRUE(tokens.present());
  wasm::ValueWriter back;
  back.resource(model);
  const std::uint32_t count = tokens.count();
  back.count(count);
  for (std::uint32_t i = 0; i < count; ++i) back.u32(tokens.u32());
  const Answer detokenized = guest.call("[method]model.detokenize", back);
  auto bytes = detokenized.reader();
  ASSERT_TRUE(bytes.present());
  EXPECT_EQ(as_text(bytes.bytes()), "three small words");

  const Answer counted =
      guest.call("[method]model.count-tokens", chat_arguments(model, {.user_texts = {"a b c"}}));
  auto number = counted.reader();
  ASSERT_TRUE(number.present());
  EXPECT_EQ(number.u32(), 4U);  // the fake counts the end of a message as a word
}

TEST_F(LlmHostTest, AnEmbeddingThatIsOverHoldsNoHandle) {
  Grants few = grants();
  few.limits.handles = 2;
  const TestGuest guest(api, few);
  wasm::ValueWriter texts;
  texts.resource(guest.open("gemma")).count(1).text("one");
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(guest.call("[method]model.embed", texts).reader().present()) << i;
  }
}

TEST_F(LlmHostTest, TokensThatTheModelDoesNotHaveAreRefused) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  for (const std::uint32_t token : {0xffffffffU, 0x80000000U}) {
    wasm::ValueWriter tokens;
    tokens.resource(model).count(1).u32(token);
    EXPECT_EQ(error_of(guest.call("[method]model.detokenize", tokens)).which,
              Case::invalid_argument);
  }
}

TEST_F(LlmHostTest, LongTextsAreCountedOffTheWorkersThread) {
  const TestGuest guest(api, grants());
  const std::uint32_t model = guest.open("gemma");
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "word ";
  const Answer answer =
      guest.call("[method]model.count-tokens", chat_arguments(model, {.user_texts = {text}}));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  EXPECT_EQ(in.u32(), 20'001U);
}

TEST_F(LlmHostTest, TheTokenBudgetOfTheManifestIsKept) {
  Grants small = grants();
  small.tokens = 8;
  std::atomic<std::uint32_t> metered{0};
  const TestGuest guest(api, small, {.tenant = "t", .meter = [&](const inference::Usage& usage) {
                                       metered += usage.prompt_tokens + usage.completion_tokens;
                                     }});
  const std::uint32_t model = guest.open("gemma");
  const auto chat = chat_arguments(model, {.user_texts = {"two words"}});
  EXPECT_EQ(read_all(guest, guest.handle("[method]model.chat", chat)), "four words are here");
  EXPECT_EQ(metered, 7U);
  const LlmError error = error_of(guest.call("[method]model.chat", chat));
  EXPECT_EQ(error.which, Case::budget_exhausted);
  EXPECT_THAT(error.text, HasSubstr("tokens = 8, of which 1 are left"));
  wasm::ValueWriter texts;
  texts.resource(model).count(1).text("three more words");
  EXPECT_EQ(error_of(guest.call("[method]model.embed", texts)).which, Case::budget_exhausted);
}

TEST_F(LlmHostTest, GuestsOfOneAccountHaveItsTokensTogether) {
  std::atomic<std::uint32_t> metered{0};
  const auto account = shared_account(8, [&](const inference::Usage& usage) {
    metered += usage.prompt_tokens + usage.completion_tokens;
  });
  const TestGuest one(api, grants(), {.tenant = "t", .meter = {}, .account = account});
  const TestGuest other(api, grants(), {.tenant = "t", .meter = {}, .account = account});
  const auto chat = [](const TestGuest& guest) {
    return guest.call("[method]model.chat",
                      chat_arguments(guest.open("gemma"), {.user_texts = {"two words"}}));
  };
  const auto first = chat_arguments(one.open("gemma"), {.user_texts = {"two words"}});
  EXPECT_EQ(read_all(one, one.handle("[method]model.chat", first)), "four words are here");
  EXPECT_EQ(metered, 7U);
  EXPECT_EQ(error_of(chat(one)).which, Case::budget_exhausted);
  EXPECT_EQ(error_of(chat(other)).which, Case::budget_exhausted);
}

TEST_F(LlmHostTest, TwoHundredGuestsWaitAtOnceWithoutAThreadEach) {
  constexpr int kGuests = 200;
  std::vector<std::unique_ptr<TestGuest>> guests;
  std::vector<std::shared_ptr<Inbox>> waiting;
  for (int i = 0; i < kGuests; ++i) {
    auto& guest = guests.emplace_back(std::make_unique<TestGuest>(api, grants()));
    const std::uint32_t model = guest->open("default");
    const std::uint32_t generation =
        guest->handle("[method]model.chat", chat_arguments(model, {.user_texts = {"slow"}}));
    waiting.push_back(
        guest->start("[method]generation.blocking-read", handle_argument(generation)));
  }
  for (const auto& inbox : waiting) {
    const Answer answer = inbox->wait();
    EXPECT_TRUE(answer.reader().present());
  }
}

// A provider that loads on first use, slowly.
class SlowModels final : public ModelProvider {
 public:
  explicit SlowModels(inference::Engine& engine) : engine_(engine) {}
  std::shared_ptr<inference::Model> loaded(std::string_view) const override { return nullptr; }
  Result<std::shared_ptr<inference::Model>> open(std::string_view name) override {
    opened_on = std::this_thread::get_id();
    gate.get_future().wait();
    return engine_.find(name);
  }
  std::vector<inference::ModelInfo> available() const override { return engine_.models(); }

  std::promise<void> gate;
  std::thread::id opened_on;

 private:
  inference::Engine& engine_;
};

TEST_F(LlmHostTest, AModelThatIsBeingLoadedHoldsUpNobodyElse) {
  SlowModels slow(*engine);
  GuestApi slow_api(slow);
  const TestGuest guest(slow_api, grants());
  wasm::ValueWriter name;
  const auto opening = guest.start("[static]model.open", name.text("gemma"));
  EXPECT_EQ(guest.call("granted-models", {}).reader().count(), 1U);
  EXPECT_FALSE(opening->answered());
  slow.gate.set_value();
  EXPECT_EQ(opening->wait().kind, Answer::Kind::resolved);
  EXPECT_NE(slow.opened_on, std::this_thread::get_id());
}

TEST_F(LlmHostTest, ASandboxHoldsTheGrantsAndNothingElse) {
  Grants some = grants();
  some.env = {{"A", "1"}};
  some.files = {{.host = "/x", .guest = "/y", .access = wasm::Access::read}};
  some.limits.memory = 1_MiB;
  const wasm::Sandbox sandbox = api.sandbox(some, {.tenant = "t", .meter = {}}).value();
  EXPECT_EQ(sandbox.env, some.env);
  EXPECT_EQ(sandbox.directories.size(), 1U);
  EXPECT_EQ(sandbox.limits.memory, 1_MiB);
  EXPECT_FALSE(sandbox.network->allow_socket(wasm::SocketUse::open, "").ok());
  EXPECT_NE(sandbox.state, nullptr);
  EXPECT_EQ(sandbox.standard_in, wasm::Standard::null);
  some.net = {"nonsense"};
  EXPECT_FALSE(api.sandbox(some, {}).ok());
}

}  // namespace
}  // namespace quern::guestapi
