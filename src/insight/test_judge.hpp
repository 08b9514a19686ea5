// A judge that speaks from a script, and can be held back.
#pragma once

#include "base/guarded.hpp"
#include "base/stop.hpp"

#include "insight/insight.hpp"

#include <condition_variable>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::insight {

inline std::string verdict_json(bool anomaly, std::string_view kind,
                                std::string_view action = "none") {
  return std::string(R"({"reason":"as told","class":")") + std::string(kind) +
         R"(","severity":"error","anomaly":)" + (anomaly ? "true" : "false") +
         R"(,"confidence":0.9,"action":")" + std::string(action) + "\"}";
}

class ScriptedJudge final : public Judge {
 public:
  // To questions that hold `when`, the one said last wins; nothing said: unavailable.
  void say(std::string when, std::string answer) {
    state_.lock()->script.emplace_back(std::move(when), std::move(answer));
  }
  void cost(std::uint64_t tokens) { state_.lock()->tokens = tokens; }
  // Questions wait until as many were let go.
  void hold() { state_.lock()->allowed = 0; }
  void let_go(std::size_t more) {
    state_.lock()->allowed += more;
    changed_.notify_all();
  }
  std::size_t asked() const { return state_.lock()->questions.size(); }
  Question last() const { return state_.lock()->questions.back(); }

  std::string name() const override { return "scripted"; }
  Result<Said> answer(const Question& question, Deadline deadline,
                      const std::stop_token& stop) override {
    auto state = state_.lock();
    TRY(wait_until(changed_, state.mutex_lock(), deadline, stop,
                   [&] { return state->questions.size() < state->allowed; }));
    state->questions.push_back(question);
    for (auto line = state->script.rbegin(); line != state->script.rend(); ++line) {
      if (question.user.find(line->first) != std::string::npos) {
        return Said{.text = line->second, .tokens = state->tokens};
      }
    }
    return fail(ErrorKind::unavailable, "nothing was said");
  }

 private:
  struct State {
    std::vector<std::pair<std::string, std::string>> script;
    std::vector<Question> questions;
    std::size_t allowed = SIZE_MAX;
    std::uint64_t tokens = 100;
  };
  Guarded<State> state_;
  std::condition_variable_any changed_;
};

}  // namespace quern::insight
