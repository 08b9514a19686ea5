// A file descriptor that is readable while it rings: how a host program's event loop, or poll(), is
// told that something is there. Thread-safe.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace quern::capi {

class Bell {
 public:
  // resource_exhausted when the process may open no more files.
  static Result<std::shared_ptr<Bell>> create();
  explicit Bell(UniqueFd fd) : fd_(std::move(fd)) {}

  void ring() noexcept;
  void silence() noexcept;
  // Until it rings; absent: for ever. deadline_exceeded.
  Result<> wait(std::optional<std::chrono::milliseconds> longest) const;
  int descriptor() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
};

}  // namespace quern::capi
