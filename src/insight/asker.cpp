#include "insight/asker.hpp"

#include "base/process.hpp"

#include <utility>

namespace quern::insight {

Asker::Asker(std::shared_ptr<Judge> judge, std::size_t queue, std::chrono::milliseconds deadline,
             Listener listener)
    : judge_(std::move(judge)),
      deadline_(deadline),
      listener_(std::move(listener)),
      jobs_({.items = queue, .bytes = 16_MiB}) {
  if (judge_) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Asker::~Asker() { stop(); }

void Asker::stop() {
  jobs_.close();
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

Result<> Asker::ask(Job job) {
  if (!judge_) return fail(ErrorKind::unavailable, "there is no model");
  const Bytes cost{job.question.user.size() + job.question.system.size()};
  return jobs_.try_push(std::move(job), cost);
}

void Asker::run(const std::stop_token& stop) {
  name_this_thread("quern-judge");
  while (!stop.stop_requested()) {
    const Result<Job> job = jobs_.pop(Deadline::never(), stop);
    if (!job.ok() || stop.stop_requested()) return;
    listener_.begins();
    listener_.answered(*job, judge_->answer(job->question, Deadline::in(deadline_), stop));
  }
}

}  // namespace quern::insight
