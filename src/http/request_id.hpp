// What an answer is called in the log and by who reports it: x-request-id.
#pragma once

#include "http/request_parser.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::http {

// Of one process's server. Any thread.
class RequestIds {
 public:
  RequestIds();
  // "req_" and 16 hex digits, for a number of log::next_request_id(): unique for a server's life,
  // and telling nothing about its traffic.
  std::string name(std::uint64_t number) const;
  // A line in the log about a request that no handler saw; its name.
  std::string tell(const Refusal& refusal, std::string_view peer) const;

 private:
  const std::uint64_t key_;
};

}  // namespace quern::http
