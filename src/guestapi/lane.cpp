#include "guestapi/lane.hpp"

#include "base/process.hpp"

namespace quern::guestapi {

Lane::Lane(std::string name, std::size_t most)
    : jobs_(QueueLimits{.items = most}),
      thread_([this, name = std::move(name)](const std::stop_token& stop) {
        name_this_thread(name);
        while (!stop.stop_requested()) {
          const auto job = jobs_.pop(Deadline::never(), stop);
          if (!job.ok()) break;
          (*job)();
        }
        over_.set_value();
      }) {}

Lane::~Lane() { jobs_.close(); }

bool Lane::close(Deadline deadline) {
  thread_.request_stop();
  jobs_.close();
  return over_.get_future().wait_until(deadline.when()) == std::future_status::ready;
}

Result<> Lane::run(std::function<void()> job) { return jobs_.try_push(std::move(job)); }

}  // namespace quern::guestapi
