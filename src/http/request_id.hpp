// What an answer is called in the log and by who reports it: x-request-id.
#pragma once

#include <cstdint>
#include <string>

namespace quern::http {

// Of one process's server. Any thread.
class RequestIds {
 public:
  RequestIds();
  // "req_" and 16 hex digits, for a number of log::next_request_id(): unique for a server's life,
  // and telling nothing about its traffic.
  std::string name(std::uint64_t number) const;

 private:
  const std::uint64_t key_;
};

}  // namespace quern::http
