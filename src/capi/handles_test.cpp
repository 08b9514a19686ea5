// Whatever numbers and NULLs a host program passes, it gets an answer.
#include "capi/test_library.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <random>
#include <thread>

namespace quern::capi {
namespace {

using Handles = Library;

// Every function with this handle, each pointer there or NULL by `there`. None may crash, and none
// may say OK to a handle that is not open.
std::vector<quern_status> call_everything(uint64_t handle, std::mt19937& random) {
  const auto maybe = [&](auto* pointer) { return random() % 2 == 0 ? nullptr : pointer; };
  char* text = nullptr;
  char* why = nullptr;
  int32_t* tokens = nullptr;
  float* vectors = nullptr;
  size_t size = 0;
  size_t columns = 0;
  uint32_t count = 0;
  uint64_t opened = 0;
  int descriptor = 0;
  quern_event event{};
  const std::string request = asking("hello");
  const std::array<int32_t, 3> some_tokens{-1, 0, std::numeric_limits<int32_t>::max()};
  const std::array<const char*, 2> texts{"a", nullptr};
  const std::array<size_t, 2> sizes{1, 0};
  std::vector<quern_status> said;
  const auto call = [&](auto function, auto... arguments) {
    char** const wants_why = maybe(&why);
    said.push_back(function(handle, arguments..., wants_why));
    EXPECT_TRUE(wants_why == nullptr || said.back() == QUERN_OK || why != nullptr);
    for (void* given : {static_cast<void*>(text), static_cast<void*>(why),
                        static_cast<void*>(tokens), static_cast<void*>(vectors)}) {
      quern_free(given);
    }
    text = why = nullptr;
    tokens = nullptr;
    vectors = nullptr;
    EXPECT_TRUE(opened == 0 || quern_close(opened) == QUERN_OK);
    opened = 0;
  };
  call(quern_engine_device, maybe(&text));
  call(quern_model_load, maybe("fake"), nullptr, nullptr, maybe(&opened));
  call(quern_model_info, maybe(&text));
  call(quern_model_activity, maybe(&text));
  call(quern_model_tokenize, maybe("one two"), size_t{7}, 1, maybe(&tokens), maybe(&size));
  call(quern_model_detokenize, maybe(some_tokens.data()), some_tokens.size(), maybe(&text),
       maybe(&size));
  call(quern_model_count_tokens, maybe(request.c_str()), request.size(), maybe(&count));
  call(quern_chat, maybe(request.c_str()), request.size(), maybe(&opened));
  call(quern_complete, maybe(request.c_str()), request.size(), maybe(&opened));
  call(quern_answer_next, maybe(&event));
  call(quern_embed, maybe(texts.data()), maybe(sizes.data()), size_t{random() % 3}, maybe(&opened));
  call(quern_embedding_take, maybe(&vectors), maybe(&size), maybe(&columns), maybe(&count));
  call(quern_wait, int64_t{0});
  call(quern_descriptor, maybe(&descriptor));
  call(quern_answer_cancel);
  return said;
}

TEST_F(Handles, ThatAreNotOpenAreRefused) {
  std::mt19937 random(1);
  const quern_answer closed = ask("hello");
  ASSERT_EQ(quern_close(closed), QUERN_OK);
  std::vector<uint64_t> numbers{0, closed, std::numeric_limits<uint64_t>::max(), 1ULL << 63U};
  for (int i = 0; i < 200; ++i)
    numbers.push_back((uint64_t{random()} << 32U) | random() | 1U << 31U);
  for (const uint64_t number : numbers) {
    for (const quern_status said : call_everything(number, random)) {
      EXPECT_EQ(said, QUERN_INVALID_ARGUMENT) << "handle " << number;
    }
    EXPECT_EQ(quern_close(number), QUERN_INVALID_ARGUMENT);
  }
  EXPECT_EQ(hear(ask("hello")).text, "Hello there.") << "the library works on";
}

TEST_F(Handles, OfAnotherKindAndNullPointersAreRefused) {
  std::mt19937 random(2);
  const char* const texts[] = {"a"};
  const size_t sizes[] = {1};
  for (int i = 0; i < 100; ++i) {
    quern_embedding embedding = 0;
    ASSERT_EQ(quern_embed(model_, texts, sizes, 1, &embedding, nullptr), QUERN_OK);
    const quern_answer answer = ask("for ever");
    for (const uint64_t handle : {engine_, model_, answer, embedding}) {
      int refused = 0;
      for (const quern_status said : call_everything(handle, random)) {
        if (said == QUERN_INVALID_ARGUMENT) ++refused;
        EXPECT_NE(said, QUERN_INTERNAL);
      }
      EXPECT_GE(refused, 6) << "most functions are of another kind";
    }
    quern_close(answer);
    quern_close(embedding);
  }
}

TEST_F(Handles, AreNeverUsedTwice) {
  quern_answer last = 0;
  for (int i = 0; i < 100; ++i) {
    const quern_answer answer = ask("hello");
    EXPECT_GT(answer, last);
    last = answer;
    EXPECT_EQ(quern_close(answer), QUERN_OK);
    EXPECT_EQ(quern_close(answer), QUERN_INVALID_ARGUMENT);
  }
}

TEST_F(Handles, TellWhichKindWasGiven) {
  Given why;
  quern_event event{};
  EXPECT_EQ(quern_answer_next(model_, &event, &why.text), QUERN_INVALID_ARGUMENT);
  EXPECT_NE(why.str().find("is no answer: that one is of the kind model"), std::string::npos)
      << why.str();
}

TEST_F(Handles, ClosedWhileTheyAreUsedEndInAnError) {
  for (int i = 0; i < 50; ++i) {
    const quern_answer answer = ask("slowly");
    std::jthread closing([&] { quern_close(answer); });
    quern_event event{};
    quern_status said = QUERN_OK;
    while (said == QUERN_OK && event.kind != QUERN_FINISHED) {
      said = quern_wait(answer, 60'000, nullptr);
      if (said == QUERN_OK) said = quern_answer_next(answer, &event, nullptr);
    }
    EXPECT_TRUE(said == QUERN_INVALID_ARGUMENT || said == QUERN_CANCELLED || said == QUERN_OK);
  }
}

TEST_F(Handles, AreOfNoUseInAForkedChild) {
  const pid_t child = ::fork();
  if (child == 0) {
    quern_event event{};
    char* why = nullptr;
    const bool refused = quern_answer_next(1, &event, &why) == QUERN_FORKED && why != nullptr &&
                         quern_close(engine_) == QUERN_FORKED;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(hear(ask("hello")).text, "Hello there.") << "the parent works on";
}

}  // namespace
}  // namespace quern::capi
