#include "cli/late_judge.hpp"

#include "insight/model_judge.hpp"

namespace quern::cli {

Result<insight::Said> LateJudge::answer(const insight::Question& question, Deadline deadline,
                                        const std::stop_token& stop) {
  if (!judge_) {
    if (const Result<> there = guests_.need_models(deadline, stop); !there.ok()) {
      return fail(ErrorKind::unavailable,
                  "the model " + model_ + " is not loaded: " + there.error().describe());
    }
    auto model = TRY(guests_.models().open(model_));
    judge_ = insight::make_model_judge(std::move(model));
  }
  return judge_->answer(question, deadline, stop);
}

}  // namespace quern::cli
