// fermyon:spin/llm as a guest sees it, on a model that speaks from a script.
#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

namespace quern::guestapi {
namespace {

using inference::Content;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

struct SpinParams {
  std::uint32_t max_tokens = 100;
  float repeat_penalty = 1.1F;
  std::uint32_t repeat_last_n = 64;
  float temperature = 0.8F;
  std::uint32_t top_k = 40;
  float top_p = 0.9F;
};

// The interface's `error`, in its order.
enum class SpinCase : std::uint32_t { model_not_supported, runtime_error, invalid_input };
struct SpinError {
  SpinCase which;
  std::string text;
};

SpinError spin_error(const Answer& answer) {
  EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
  auto in = answer.reader();
  EXPECT_FALSE(in.present()) << "a success";
  SpinError error{static_cast<SpinCase>(in.discriminant()), {}};
  if (error.which != SpinCase::model_not_supported) error.text = in.text();
  return error;
}

wasm::ValueWriter infer_arguments(std::string_view model, std::string_view prompt,
                                  std::optional<SpinParams> params = {}) {
  wasm::ValueWriter out;
  out.text(model).text(prompt).present(params.has_value());
  if (!params) return out;
  out.u32(params->max_tokens).f32(params->repeat_penalty).u32(params->repeat_last_n);
  out.f32(params->temperature).u32(params->top_k).f32(params->top_p);
  return out;
}

wasm::ValueWriter embed_arguments(std::string_view model, const std::vector<std::string>& texts) {
  wasm::ValueWriter out;
  out.text(model).count(texts.size());
  for (const std::string& text : texts) out.text(text);
  return out;
}

// What a model was asked for; says one word.
class ListeningModel final : public inference::Model {
 public:
  explicit ListeningModel(std::shared_ptr<inference::Model> voice) : voice_(std::move(voice)) {}
  const inference::ModelInfo& info() const override { return voice_->info(); }
  Result<std::unique_ptr<inference::Generation>> chat(inference::ChatRequest request,
                                                      inference::Caller caller) override {
    ADD_FAILURE() << "a chat template was asked for";
    return voice_->chat(std::move(request), std::move(caller));
  }
  Result<std::unique_ptr<inference::Generation>> complete(inference::CompletionRequest request,
                                                          inference::Caller caller) override {
    asked = request;
    return voice_->complete(std::move(request), std::move(caller));
  }
  std::unique_ptr<inference::Embedding> embed(
      std::vector<std::string> texts, inference::Caller caller,
      std::function<void(Result<inference::Embeddings>)> done) override {
    return voice_->embed(std::move(texts), std::move(caller), std::move(done));
  }
  Result<std::vector<inference::Token>> tokenize(std::string_view text,
                                                 bool special) const override {
    return voice_->tokenize(text, special);
  }
  Result<std::string> detokenize(const std::vector<inference::Token>& tokens) const override {
    return voice_->detokenize(tokens);
  }
  Result<std::uint32_t> count_tokens(const inference::ChatRequest& request) const override {
    return voice_->count_tokens(request);
  }
  inference::ModelLoad load() const override { return voice_->load(); }

  inference::CompletionRequest asked;

 private:
  const std::shared_ptr<inference::Model> voice_;
};

class OneModel final : public ModelProvider {
 public:
  explicit OneModel(std::shared_ptr<inference::Model> model) : model_(std::move(model)) {}
  std::shared_ptr<inference::Model> loaded(std::string_view) const override { return model_; }
  Result<std::shared_ptr<inference::Model>> open(std::string_view) override { return model_; }
  std::vector<inference::ModelInfo> available() const override { return {model_->info()}; }

 private:
  const std::shared_ptr<inference::Model> model_;
};

class SpinLlmTest : public ::testing::Test {
 protected:
  static std::vector<inference::ScriptLine> script() {
    return {
        {.when = "slow",
         .events = {Content{"a"}, Content{"b"}, Content{"c"}},
         .error = {},
         .delay_per_event = 20ms},
        {.when = "never", .events = {Content{"a"}}, .error = {}, .delay_per_event = 60s},
        {.when = "fail", .events = {Content{"a"}}, .error = Error(ErrorKind::internal, "broke")},
        {.when = "", .events = {Content{"four words are here"}}, .error = {}}};
  }
  static Grants grants() { return {.models = {"gemma"}}; }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", script());
  LoadedModels models{*engine};
  GuestApi api{models};
};

TEST_F(SpinLlmTest, AWholeAnswerAndWhatItUsed) {
  const TestGuest guest(api, grants());
  const Answer answer = guest.call("infer", infer_arguments("gemma", "once upon"));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  EXPECT_EQ(in.text(), "four words are here");
  EXPECT_EQ(in.u32(), 2U);
  EXPECT_EQ(in.u32(), 4U);
}

TEST_F(SpinLlmTest, PiecesThatComeLaterArePutTogether) {
  const TestGuest guest(api, grants());
  const Answer answer = guest.call("infer", infer_arguments("default", "slow"));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  EXPECT_EQ(in.text(), "abc");
}

TEST_F(SpinLlmTest, AbsentParametersAreSpinsAndThePromptIsRaw) {
  const auto model = std::make_shared<ListeningModel>(engine->find("gemma").value());
  OneModel provider(model);
  const GuestApi listening(provider);
  const TestGuest guest(listening, grants());
  guest.call("infer", infer_arguments("gemma", "<s>[INST] raw [/INST]"));
  EXPECT_EQ(model->asked.prompt, "<s>[INST] raw [/INST]");
  const inference::Sampling& absent = model->asked.sampling;
  EXPECT_EQ(absent.max_tokens, 100U);
  EXPECT_EQ(absent.repeat_penalty, 1.1F);
  EXPECT_EQ(absent.repeat_last_n, 64U);
  EXPECT_EQ(absent.temperature, 0.8F);
  EXPECT_EQ(absent.top_k, 40U);
  EXPECT_EQ(absent.top_p, 0.9F);

  guest.call("infer", infer_arguments("gemma", "x", SpinParams{7, 1.5F, 3, 0.25F, 5, 0.5F}));
  const inference::Sampling& given = model->asked.sampling;
  EXPECT_EQ(given.max_tokens, 7U);
  EXPECT_EQ(given.repeat_penalty, 1.5F);
  EXPECT_EQ(given.repeat_last_n, 3U);
  EXPECT_EQ(given.temperature, 0.25F);
  EXPECT_EQ(given.top_k, 5U);
  EXPECT_EQ(given.top_p, 0.5F);
}

TEST_F(SpinLlmTest, ADeniedModelNamesTheMissingGrant) {
  const TestGuest guest(api, grants());
  const SpinError error = spin_error(guest.call("infer", infer_arguments("llama2-chat", "x")));
  EXPECT_EQ(error.which, SpinCase::invalid_input);
  EXPECT_THAT(error.text, HasSubstr("models = [\"llama2-chat\"]"));
  const TestGuest none(api, {});
  EXPECT_EQ(spin_error(none.call("generate-embeddings", embed_arguments("gemma", {"x"}))).which,
            SpinCase::invalid_input);
}

TEST_F(SpinLlmTest, AGrantedModelThatIsNotHereIsNotSupported) {
  const TestGuest guest(api, {.models = {"absent"}});
  EXPECT_EQ(spin_error(guest.call("infer", infer_arguments("absent", "x"))).which,
            SpinCase::model_not_supported);
}

TEST_F(SpinLlmTest, ParametersOutOfTheirRangeAreNamed) {
  const TestGuest guest(api, grants());
  const auto error_with = [&](const SpinParams& params) {
    const SpinError error = spin_error(guest.call("infer", infer_arguments("gemma", "x", params)));
    EXPECT_EQ(error.which, SpinCase::invalid_input);
    return error.text;
  };
  EXPECT_THAT(error_with({.temperature = 9}), HasSubstr("temperature"));
  EXPECT_THAT(error_with({.top_p = NAN}), HasSubstr("top_p"));
  EXPECT_THAT(error_with({.max_tokens = 0}), HasSubstr("max_tokens"));
}

TEST_F(SpinLlmTest, OverlongNamesAndPromptsAreRefusedWithoutBeingRepeated) {
  const TestGuest guest(api, {.models = {"*"}});
  const SpinError name =
      spin_error(guest.call("infer", infer_arguments(std::string(1'000'000, 'x'), "x")));
  EXPECT_EQ(name.which, SpinCase::invalid_input);
  EXPECT_LT(name.text.size(), 200U);
  const SpinError prompt =
      spin_error(guest.call("infer", infer_arguments("gemma", std::string((8U << 20U) + 1, 'x'))));
  EXPECT_EQ(prompt.which, SpinCase::invalid_input);
  EXPECT_THAT(prompt.text, HasSubstr("8 MiB"));
}

TEST_F(SpinLlmTest, AFailureOfTheModelIsARuntimeError) {
  const TestGuest guest(api, grants());
  const SpinError error = spin_error(guest.call("infer", infer_arguments("gemma", "fail")));
  EXPECT_EQ(error.which, SpinCase::runtime_error);
  EXPECT_THAT(error.text, HasSubstr("broke"));
}

TEST_F(SpinLlmTest, TheTokenBudgetOfTheManifestIsKeptAndMetered) {
  Grants small = grants();
  small.tokens = 7;
  std::atomic<std::uint32_t> metered{0};
  const TestGuest guest(api, small, {.tenant = "t", .meter = [&](const inference::Usage& usage) {
                                       metered += usage.prompt_tokens + usage.completion_tokens;
                                     }});
  const auto arguments = infer_arguments("gemma", "two words");
  EXPECT_TRUE(guest.call("infer", arguments).reader().present());
  EXPECT_EQ(metered, 6U);
  const SpinError error = spin_error(guest.call("infer", arguments));
  EXPECT_EQ(error.which, SpinCase::runtime_error);
  EXPECT_THAT(error.text, HasSubstr("tokens = 7, of which 1 are left"));
  EXPECT_THAT(
      spin_error(guest.call("generate-embeddings", embed_arguments("gemma", {"three more words"})))
          .text,
      HasSubstr("tokens = 7"));
}

TEST_F(SpinLlmTest, Embeddings) {
  const TestGuest guest(api, grants());
  const Answer answer =
      guest.call("generate-embeddings", embed_arguments("gemma", {"one", "two words"}));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  ASSERT_EQ(in.count(), 2U);
  for (int i = 0; i < 2; ++i) {
    float square = 0;
    for (std::uint32_t left = in.count(); left > 0; --left) {
      const float value = in.f32();
      square += value * value;
    }
    EXPECT_NEAR(square, 1, 1e-4);
  }
  EXPECT_EQ(in.u32(), 3U);
  EXPECT_EQ(spin_error(guest.call("generate-embeddings", embed_arguments("gemma", {}))).which,
            SpinCase::invalid_input);
  const std::vector<std::string> too_many(2049, "x");
  EXPECT_EQ(spin_error(guest.call("generate-embeddings", embed_arguments("gemma", too_many))).which,
            SpinCase::invalid_input);
}

TEST_F(SpinLlmTest, AnAnswerThatIsOverHoldsNoHandle) {
  Grants few = grants();
  few.limits.handles = 1;
  const TestGuest guest(api, few);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(guest.call("infer", infer_arguments("gemma", "x")).reader().present()) << i;
  }
}

TEST_F(SpinLlmTest, TheEndOfAnInstanceFreesItsSlotWhileItWaits) {
  TestGuest guest(api, grants());
  const auto waiting = guest.start("infer", infer_arguments("gemma", "never"));
  const auto fake = engine->find("gemma").value();
  EXPECT_EQ(fake->load().running, 1U);
  const auto state = guest.state();
  guest.end();
  EXPECT_TRUE(state.expired());
  EXPECT_EQ(waiting->wait().kind, Answer::Kind::dropped);
  EXPECT_EQ(fake->load().running, 0U);
}

TEST_F(SpinLlmTest, TwoHundredGuestsWaitAtOnceWithoutAThreadEach) {
  constexpr int kGuests = 200;
  std::vector<std::unique_ptr<TestGuest>> guests;
  std::vector<std::shared_ptr<Inbox>> waiting;
  for (int i = 0; i < kGuests; ++i) {
    auto& guest = guests.emplace_back(std::make_unique<TestGuest>(api, grants()));
    waiting.push_back(guest->start("infer", infer_arguments("gemma", "slow")));
  }
  for (const auto& inbox : waiting) {
    const Answer answer = inbox->wait();
    auto in = answer.reader();
    ASSERT_TRUE(in.present());
    EXPECT_EQ(in.text(), "abc");
  }
}

}  // namespace
}  // namespace quern::guestapi
