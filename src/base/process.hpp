// This process and its machine as a seam: environment, paths, processors, memory.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace quern {

class Process {
 public:
  virtual ~Process() = default;
  // Absent when not set. An empty value counts as not set.
  virtual std::optional<std::string> env(std::string_view name) const = 0;
  virtual std::filesystem::path executable() const = 0;
  virtual int pid() const = 0;
  // Processors this process may use (affinity and the cgroup's quota, rounded up).
  virtual std::uint32_t processors() const = 0;
  // Main memory this process may use: the machine's, or less by the cgroup's limit.
  virtual Bytes memory() const = 0;
};

class RealProcess final : public Process {
 public:
  std::optional<std::string> env(std::string_view name) const override;
  std::filesystem::path executable() const override;
  int pid() const override;
  std::uint32_t processors() const override;
  Bytes memory() const override;
};

// Lets this process open as many files and connections as its hard limit says: the soft one is often
// 1024, for programs that call select(). Children inherit it.
void allow_many_files();

// Names the calling thread in debuggers and top: at most 15 characters, the rest is cut.
void name_this_thread(std::string_view name);

}  // namespace quern
