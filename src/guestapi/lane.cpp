#include "guestapi/lane.hpp"

#include <pthread.h>

namespace quern::guestapi {

Lane::Lane(std::string name, std::size_t most)
    : jobs_(QueueLimits{.items = most}),
      thread_([this, name = std::move(name)](const std::stop_token& stop) {
        pthread_setname_np(pthread_self(), name.c_str());
        while (!stop.stop_requested()) {
          const auto job = jobs_.pop(Deadline::never(), stop);
          if (!job.ok()) return;
          (*job)();
        }
      }) {}

Lane::~Lane() { jobs_.close(); }

Result<> Lane::run(std::function<void()> job) { return jobs_.try_push(std::move(job)); }

}  // namespace quern::guestapi
