#include "guestapi/fakes.hpp"
#include "guestapi/guest_instance.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/nn_ggml.hpp"
#include "guestapi/nn_test_guest.hpp"

#include <gtest/gtest.h>

#include <future>

namespace quern::guestapi {
namespace {

using inference::Content;
using inference::ScriptLine;

ScriptLine says(std::string when, std::vector<std::string> pieces) {
  ScriptLine line{.when = std::move(when), .events = {}, .error = {}, .delay_per_event = {}};
  for (std::string& piece : pieces) line.events.emplace_back(Content{std::move(piece)});
  return line;
}

// Keeps a lane busy, and full, as long as it lives.
class NnJam {
 public:
  explicit NnJam(Lane& lane) {
    const auto begun = std::make_shared<std::promise<void>>();
    EXPECT_TRUE(lane.run([begun, gate = gate_] {
                      begun->set_value();
                      gate->get_future().wait();
                    })
                    .ok());
    begun->get_future().wait();
    EXPECT_TRUE(lane.run([] {}).ok());
  }
  NnJam(const NnJam&) = delete;
  NnJam& operator=(const NnJam&) = delete;
  ~NnJam() { gate_->set_value(); }

 private:
  // The lane's too: it may look at it after this is gone.
  const std::shared_ptr<std::promise<void>> gate_ = std::make_shared<std::promise<void>>();
};

class SilentCall final : public NnCall {
 public:
  std::function<void()> waker() override {
    return [] {};
  }
  void print(std::string_view /*text*/) override {}
};

class NnHostTest : public ::testing::Test {
 protected:
  NnHostTest() { grants.models = {"fake"}; }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine(
      "fake", {says("weather", {"It ", "rains", "."}),
               says("hello", {"Hi."}),
               {.when = "busy",
                .events = {},
                .error = Error(ErrorKind::resource_exhausted, "too many wait"),
                .delay_per_event = {}}});
  LoadedModels models{*engine};
  GuestApi api{models};
  Grants grants;
};

TEST_F(NnHostTest, AnAnswerAsAWhole) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "How is the weather?"), NnStatus::success);
  EXPECT_NE(guest.output(1).find("\"input_tokens\": 4"), std::string::npos) << guest.output(1);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "It rains.");
  EXPECT_NE(guest.output(1).find("\"output_tokens\": "), std::string::npos);
  EXPECT_EQ(guest.printed, "");
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  EXPECT_EQ(guest.output(), "") << "the last prompt's answer";
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "Hi.");
}

TEST_F(NnHostTest, CountsAreThereBeforeAnyPrompt) {
  NnGuest guest(api, grants);
  guest.open();
  for (const char* key :
       {"\"input_tokens\": 0", "\"output_tokens\": 0", "llama_build_number", "llama_commit"}) {
    EXPECT_NE(guest.output(1).find(key), std::string::npos) << guest.output(1);
  }
}

TEST_F(NnHostTest, AnAnswerPieceByPiece) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "weather"), NnStatus::success);
  std::string said;
  std::string piece;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(guest.call("compute_single", guest.context()), NnStatus::success);
    ASSERT_EQ(guest.get("get_output_single", 0, piece), NnStatus::success);
    said += piece + "|";
  }
  EXPECT_EQ(said, "It |rains|.|");
  for (int i = 0; i < 2; ++i) {  // some guests ask again
    EXPECT_EQ(guest.call("compute_single", guest.context()), NnStatus::end_of_sequence);
    EXPECT_EQ(guest.get("get_output_single", 0, piece), NnStatus::success);
    EXPECT_EQ(piece, "");
  }
  EXPECT_EQ(guest.output(), "It rains.");
  ASSERT_EQ(guest.call("fini_single", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "");
  EXPECT_EQ(guest.call("compute_single", guest.context()), NnStatus::success) << "from the start";
}

TEST_F(NnHostTest, ComputeBeginsAnewInTheMiddleOfPieces) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "weather"), NnStatus::success);
  ASSERT_EQ(guest.call("compute_single", guest.context()), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "It rains.");
}

TEST_F(NnHostTest, ANameThatWasNotGrantedIsNotFound) {
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.load("other"), NnStatus::not_found);
  EXPECT_EQ(guest.load("default"), NnStatus::success) << "the first that is granted";
  NnGuest poor(api, {});
  EXPECT_EQ(poor.load("fake"), NnStatus::not_found);
}

TEST_F(NnHostTest, AGrantedModelThatIsNotThereIsToldApart) {
  grants.models = {"*"};
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.load("missing"), NnStatus::model_not_found);
  EXPECT_EQ(guest.load("fake"), NnStatus::success) << "the first failure stands in the way";
}

TEST_F(NnHostTest, ASecondLoadGivesTheSameGraphUntilItIsUnloaded) {
  NnGuest guest(api, grants);
  ASSERT_EQ(guest.load("fake"), NnStatus::success);
  const std::uint32_t first = guest.u32(NnGuest::kGraph);
  ASSERT_EQ(guest.load("fake", "no json at all"), NnStatus::success) << "its options are ignored";
  EXPECT_EQ(guest.u32(NnGuest::kGraph), first);
  ASSERT_EQ(guest.call("init_execution_context", first, NnGuest::kContext), NnStatus::success);
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  ASSERT_EQ(guest.call("unload", first), NnStatus::success);
  EXPECT_EQ(guest.output(), "Hi.") << "outputs outlive the graph";
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("unload", first), NnStatus::invalid_argument);
  ASSERT_EQ(guest.load("fake"), NnStatus::success);
  EXPECT_NE(guest.u32(NnGuest::kGraph), first);
}

TEST_F(NnHostTest, OptionsComeWithTheGraphOrAsInputOne) {
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.load("fake", "{"), NnStatus::invalid_encoding);
  guest.open(R"({"stream-stdout": true})");
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.printed, "Hi.");
  ASSERT_EQ(guest.set(1, R"({"stream-stdout": false, "n-predict": 0})"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_EQ(guest.output(), "");
  EXPECT_EQ(guest.printed, "Hi.");
  EXPECT_EQ(guest.set(1, R"({"temp": []})"), NnStatus::invalid_argument);
}

TEST_F(NnHostTest, AVectorAsJson) {
  NnGuest guest(api, grants);
  guest.open(R"({"embedding": true, "batch-size": 3})");
  ASSERT_EQ(guest.set(0, "three short words"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_TRUE(guest.output().starts_with("{\"n_embedding\": ")) << guest.output();
  EXPECT_NE(guest.output().find("\"embedding\": [0."), std::string::npos) << guest.output();
  ASSERT_EQ(guest.set(0, "four words are more"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::prompt_too_long);
}

TEST_F(NnHostTest, APromptMustFitTheContextThatTheGuestWanted) {
  NnGuest guest(api, grants);
  guest.open(R"({"ctx-size": 8})");
  ASSERT_EQ(guest.set(0, "hello this is far too long"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::prompt_too_long);
  EXPECT_EQ(guest.call("compute_single", guest.context()), NnStatus::prompt_too_long);
  ASSERT_EQ(guest.set(0, "hello you"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::success);
}

TEST_F(NnHostTest, AFullQueueIsBusy) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "busy"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::busy);
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::success);
}

TEST_F(NnHostTest, TokensAreMeteredAndWithinTheBudget) {
  std::uint64_t used = 0;
  grants.tokens = 8;
  NnGuest guest(api, grants, {.tenant = "t", .meter = [&](const inference::Usage& usage) {
                                used += usage.prompt_tokens + usage.completion_tokens;
                              }});
  guest.open();
  ASSERT_EQ(guest.set(0, "hello"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  EXPECT_GE(used, 2U);
  ASSERT_EQ(guest.set(0, "hello and many other words that are not paid for"), NnStatus::success);
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::runtime_error);
}

TEST_F(NnHostTest, AnAnswerThatIsLetGoIsPaidFor) {
  std::uint64_t used = 0;
  grants.tokens = 30;
  NnGuest guest(api, grants, {.tenant = "t", .meter = [&](const inference::Usage& usage) {
                                used += usage.prompt_tokens + usage.completion_tokens;
                              }});
  guest.open();
  const std::uint32_t graph = guest.u32(NnGuest::kGraph);
  NnStatus last = NnStatus::success;
  for (int i = 0; i < 40 && last == NnStatus::success; ++i) {
    ASSERT_EQ(guest.set(0, "weather"), NnStatus::success);
    last = guest.call("compute_single", guest.context());
    ASSERT_EQ(guest.call("finalize_execution_context", guest.context()), NnStatus::success);
    ASSERT_EQ(guest.call("init_execution_context", graph, NnGuest::kContext), NnStatus::success);
  }
  EXPECT_EQ(last, NnStatus::runtime_error) << "the budget was never used up";
  EXPECT_GT(used, 20U);
  EXPECT_LE(used, 31U);
}

TEST_F(NnHostTest, NamesOptionsAndPromptsAreBounded) {
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.load(std::string(2000, 'n')), NnStatus::not_found);
  EXPECT_EQ(guest.load("fake", std::string(70'000, ' ') + "{}"), NnStatus::too_large);
  guest.open();
  EXPECT_EQ(guest.set(1, std::string(70'000, ' ') + "{}"), NnStatus::too_large);
  const std::uint32_t graph = guest.u32(NnGuest::kGraph);
  const std::string prompt(900'000, 'x');
  NnStatus last = NnStatus::success;
  int contexts = 0;
  for (; contexts < 100 && last == NnStatus::success; ++contexts) {
    last = guest.set(0, prompt);
    ASSERT_EQ(guest.call("init_execution_context", graph, NnGuest::kContext), NnStatus::success);
  }
  EXPECT_EQ(last, NnStatus::too_large);
  EXPECT_EQ(contexts, 75) << "64 MiB together";
}

TEST_F(NnHostTest, AFullLaneIsBusyAndNoHang) {
  Lane opening("opening", 1);
  Lane counting("counting", 1);
  const NnJam jam(opening);
  GgmlBackend backend(models, opening, counting);
  grants.models = {"*"};
  const auto state = api.sandbox(grants, {.tenant = "t", .meter = {}}).value().state;
  auto& guest = dynamic_cast<GuestInstance&>(*state);
  SilentCall call;
  std::shared_ptr<NnGraph> graph;
  for (int i = 0; i < 2; ++i) {
    const NnStep step = backend.load_by_name(guest, call, "missing", {}, graph);
    EXPECT_FALSE(step.is_pending());
    EXPECT_EQ(step.status(), NnStatus::busy);
  }
}

TEST_F(NnHostTest, OutputsMustFitUnlessTheGuestSaysZero) {
  NnGuest guest(api, grants);
  guest.open();
  ASSERT_EQ(guest.set(0, "weather"), NnStatus::success);
  ASSERT_EQ(guest.call("compute", guest.context()), NnStatus::success);
  std::string out;
  EXPECT_EQ(guest.get("get_output", 0, out, 3), NnStatus::too_large);
  EXPECT_EQ(guest.get("get_output", 0, out, 9), NnStatus::success);
  EXPECT_EQ(guest.get("get_output", 0, out, 0), NnStatus::success);
  EXPECT_EQ(out, "It rains.");
  const auto near_the_end = static_cast<std::uint32_t>(guest.memory.size() - 4);
  EXPECT_EQ(guest.call("get_output", guest.context(), 0, near_the_end, 0, NnGuest::kWritten),
            NnStatus::success);
  EXPECT_EQ(guest.u32(NnGuest::kWritten), 4U);
}

TEST_F(NnHostTest, BadPointersAreAnErrorOfTheGuestAndNoTrap) {
  NnGuest guest(api, grants);
  guest.open();
  const auto past = static_cast<std::uint32_t>(guest.memory.size());
  EXPECT_EQ(guest.call("load_by_name", past, 4, 0), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("load_by_name", 0xFFFF'FFF0U, 0xFFFFU, 0), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("set_input", guest.context(), 0, past - 8), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("init_execution_context", guest.u32(NnGuest::kGraph), past),
            NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("load", past - 4, 60, 6, 0, 0), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("load", 0, 0xFFFF'FFFFU, 6, 0, 0), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("get_output", guest.context(), 1, past, 4096, 0),
            NnStatus::invalid_argument);
  guest.memory.clear();
  EXPECT_EQ(guest.call("compute", 1), NnStatus::missing_memory);
}

TEST_F(NnHostTest, ForgedIdsAreAnErrorOfTheGuestAndNoTrap) {
  NnGuest guest(api, grants);
  guest.open();
  const std::uint32_t graph = guest.u32(NnGuest::kGraph);
  EXPECT_EQ(guest.call("compute", graph), NnStatus::invalid_argument) << "a graph is no context";
  EXPECT_EQ(guest.call("compute", 0xFFFF'FFFFU), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("init_execution_context", guest.context(), 0), NnStatus::invalid_argument);
  const std::uint32_t context = guest.context();
  ASSERT_EQ(guest.call("finalize_execution_context", context), NnStatus::success);
  EXPECT_EQ(guest.call("compute", context), NnStatus::invalid_argument);
  EXPECT_EQ(guest.call("finalize_execution_context", context), NnStatus::invalid_argument);
}

TEST_F(NnHostTest, InputsOfTypesThatNobodyReadsAreRefused) {
  NnGuest guest(api, grants);
  guest.open();
  for (const std::uint32_t type : {2U, 5U, 6U, 0xFFFF'FFFFU}) {
    EXPECT_EQ(guest.set(0, "hello", type), NnStatus::invalid_argument) << type;
  }
  EXPECT_EQ(guest.call("compute", guest.context()), NnStatus::invalid_argument) << "no prompt";
}

TEST_F(NnHostTest, LoadTakesAGrantedNameAndNoWeights) {
  NnGuest guest(api, grants);
  EXPECT_EQ(guest.bring("preload:fake", 6), NnStatus::success);
  EXPECT_EQ(guest.bring("preload:/etc/passwd", 6), NnStatus::not_found);
  EXPECT_EQ(guest.bring("GGUF....", 6), NnStatus::unsupported_operation);
  EXPECT_EQ(guest.bring("preload:fake", 6, 3), NnStatus::invalid_argument)
      << "AUTO is for preloading";
  EXPECT_EQ(guest.bring("preload:fake", 1), NnStatus::invalid_encoding);
  EXPECT_EQ(guest.bring("preload:fake", 99), NnStatus::invalid_argument);
}

TEST_F(NnHostTest, LogLinesGoToTheGuestsOwnOutput) {
  NnGuest guest(api, grants);
  const auto log = [&](std::uint32_t level, std::string_view context) {
    const auto size = guest.put(NnGuest::kName, context);
    return guest.result_of("log", level, NnGuest::kName, size, NnGuest::kData,
                           guest.put(NnGuest::kData, "it rains"));
  };
  EXPECT_TRUE(log(2, "").ok());
  EXPECT_TRUE(log(5, "stdout").ok());
  EXPECT_EQ(guest.printed, "[info] it rains\n[critical] it rains\n");
  EXPECT_TRUE(log(3, "stderr").ok());
  EXPECT_TRUE(log(4, "/etc/cron.d/job").ok());
  EXPECT_EQ(guest.complained, "[warn] it rains\n[error] /etc/cron.d/job: it rains\n");
  EXPECT_EQ(log(6, "").error().kind(), ErrorKind::guest_trap);
}

TEST_F(NnHostTest, AGuestThatEndsInTheMiddleLeavesNothingBehind) {
  std::uint64_t told = 0;
  {
    NnGuest guest(api, grants, {.tenant = "t", .meter = [&](const inference::Usage&) { ++told; }});
    guest.open();
    ASSERT_EQ(guest.set(0, "weather"), NnStatus::success);
    ASSERT_EQ(guest.call("compute_single", guest.context()), NnStatus::success);
    guest.end();
  }
  EXPECT_EQ(told, 1U) << "what was computed is metered";
  EXPECT_EQ(models.loaded("fake")->load().running, 0U);
}

}  // namespace
}  // namespace quern::guestapi
