// Names to addresses, without letting a slow name server hold up a stop or a deadline.
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "http/wire.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace quern::http {

// The system's lookup cannot be interrupted, so each runs on a thread of its own; one that is not
// waited for any more ends by itself and is joined later, at the latest by the destructor.
// Any thread.
class Resolver {
 public:
  // unavailable: no such name, or no name server. resource_exhausted: too many
  // lookups hang already.
  Result<std::vector<Address>> lookup(const std::string& host, std::uint16_t port,
                                      Deadline deadline, const std::stop_token& stop);

 private:
  struct Lookup;
  struct Running {
    std::shared_ptr<Lookup> lookup;
    std::jthread thread;
  };

  std::mutex mutex_;
  std::list<Running> running_;
};

}  // namespace quern::http
