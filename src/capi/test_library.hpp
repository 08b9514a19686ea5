// The library as a host program has it, with a model that speaks from a script.
#pragma once

#include "capi/quern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quern::capi {

// What a function gave, freed by itself.
struct Given {
  char* text = nullptr;
  Given() = default;
  Given(const Given&) = delete;
  Given& operator=(const Given&) = delete;
  ~Given() { quern_free(text); }
  std::string str() const { return text == nullptr ? "" : text; }
};

inline std::string asking(const std::string& text) {
  return R"({"messages":[{"role":"user","content":")" + text + "\"}]}";
}

class Library : public testing::Test {
 protected:
  void SetUp() override {
    Given why;
    ASSERT_EQ(quern_engine_open(kOptions, &engine_, &why.text), QUERN_OK) << why.str();
    ASSERT_EQ(quern_model_load(engine_, "fake", nullptr, nullptr, &model_, &why.text), QUERN_OK)
        << why.str();
  }
  void TearDown() override { quern_close(engine_); }

  quern_answer ask(const std::string& text) {
    const std::string request = asking(text);
    quern_answer answer = 0;
    Given why;
    EXPECT_EQ(quern_chat(model_, request.data(), request.size(), &answer, &why.text), QUERN_OK)
        << why.str();
    return answer;
  }

  // Events until the last, or until one fails.
  struct Heard {
    std::string text;
    std::vector<int> kinds;
    quern_event last{};
    quern_status status = QUERN_OK;
    std::string why;
  };
  static Heard hear(quern_answer answer) {
    Heard heard;
    while (heard.last.kind != QUERN_FINISHED) {
      Given why;
      heard.status = quern_answer_next(answer, &heard.last, &why.text);
      heard.why = why.str();
      if (heard.status != QUERN_OK) return heard;
      if (heard.last.kind == QUERN_NOTHING) {
        EXPECT_EQ(quern_wait(answer, 60'000, nullptr), QUERN_OK);
        continue;
      }
      heard.kinds.push_back(heard.last.kind);
      if (heard.last.kind == QUERN_CONTENT)
        heard.text.append(heard.last.text, heard.last.text_size);
    }
    return heard;
  }

  static constexpr const char* kOptions = R"({"fake_script": [
    {"when": "slowly", "say": ["one ", "two ", "three"], "delay_ms": 20},
    {"when": "for ever", "say": ["on ", "and ", "on "], "delay_ms": 600000},
    {"when": "a tool", "call": {"id": "c1", "name": "time", "arguments": "{\"zone\":1}"}},
    {"when": "busy", "error": "resource_exhausted", "message": "the queue is full"},
    {"say": ["Hello", " there."]}
  ]})";
  quern_engine engine_ = 0;
  quern_model model_ = 0;
};

}  // namespace quern::capi
