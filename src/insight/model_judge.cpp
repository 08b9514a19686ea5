#include "insight/model_judge.hpp"

#include "base/stop.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>
#include <variant>

namespace quern::insight {
namespace {

using inference::Role;

inference::ChatRequest request_of(const Question& question) {
  inference::ChatRequest request;
  const auto say = [&](Role role, const std::string& text) {
    request.messages.push_back({.role = role, .text = text});
  };
  say(Role::system, question.system);
  for (const auto& [asked, answered] : question.examples) {
    say(Role::user, asked);
    say(Role::assistant, answered);
  }
  say(Role::user, question.user);
  request.sampling.max_tokens = question.max_tokens;
  request.sampling.temperature = 0.0F;
  request.format = {.kind = inference::ResponseFormat::Kind::grammar, .source = question.grammar};
  request.tool_choice.kind = inference::ToolChoice::Kind::none;
  request.enable_thinking = false;
  return request;
}

// Lives as long as either side: a wake may come when nobody waits any more.
struct Bell {
  std::mutex mutex;
  std::condition_variable_any rung;
  bool ringing = false;
};

Result<> wait_for_events(inference::Generation& generation, Deadline deadline,
                         const std::stop_token& stop) {
  const auto bell = std::make_shared<Bell>();
  generation.on_ready([bell] {
    {
      const std::lock_guard lock(bell->mutex);
      bell->ringing = true;
    }
    bell->rung.notify_all();
  });
  std::unique_lock lock(bell->mutex);
  return wait_until(bell->rung, lock, deadline, stop, [&] { return bell->ringing; });
}

class ModelJudge final : public Judge {
 public:
  explicit ModelJudge(std::shared_ptr<inference::Model> model) : model_(std::move(model)) {}

  std::string name() const override {
    const inference::ModelInfo& info = model_->info();
    return info.digest.empty() ? info.name : info.digest;
  }

  Result<Said> answer(const Question& question, Deadline deadline,
                      const std::stop_token& stop) override {
    const auto generation =
        TRY(model_->chat(request_of(question), {.tenant = "insight", .deadline = deadline}));
    Said said;
    while (true) {
      TRY(wait_for_events(*generation, deadline, stop));
      for (const inference::Event& event : TRY(generation->read())) {
        if (const auto* const content = std::get_if<inference::Content>(&event)) {
          said.text += content->text;
        } else if (const auto* const finished = std::get_if<inference::Finished>(&event)) {
          if (finished->reason == inference::FinishReason::length) {
            return fail(ErrorKind::resource_exhausted,
                        "the model's answer has no end within answer_tokens");
          }
          said.tokens = finished->usage.prompt_tokens + finished->usage.completion_tokens;
          return said;
        }
      }
    }
  }

 private:
  const std::shared_ptr<inference::Model> model_;
};

}  // namespace

std::shared_ptr<Judge> make_model_judge(std::shared_ptr<inference::Model> model) {
  return std::make_shared<ModelJudge>(std::move(model));
}

}  // namespace quern::insight
