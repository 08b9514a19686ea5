// Waiting for a socket, as every blocking call of this room does it: until it is ready, the
// deadline, or the stop, which wakes the sleeper.
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <stop_token>
#include <string>

namespace quern::http {

// Of one thread at a time.
class SocketWait {
 public:
  // `events` as poll(2) has them. deadline_exceeded, cancelled; unavailable: poll failed.
  Result<> wait(int socket, short events, Deadline deadline, const std::stop_token& stop);

 private:
  UniqueFd bell_;  // an eventfd that a stop rings; there once a wait could be stopped
};

// "Connection refused" for ECONNREFUSED.
std::string problem_text(int problem);

}  // namespace quern::http
