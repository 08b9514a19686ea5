// The cgroup files are those of version 2: cpu.max is "QUOTA PERIOD" or "max PERIOD", memory.max a
// count of bytes or "max". https://docs.kernel.org/admin-guide/cgroup-v2.html
#include "base/process.hpp"

#include "base/text.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace quern {
namespace {

// The first line of a cgroup file of this process; empty when there is none.
std::string cgroup_line(std::string_view file) {
  std::ifstream groups("/proc/self/cgroup");
  std::string path = "/";
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  std::ifstream input("/sys/fs/cgroup" + path + "/" + std::string(file));
  std::string line;
  // Inside a container the path of the outside is not there; the root then is our own.
  if (!std::getline(input, line)) {
    std::ifstream root("/sys/fs/cgroup/" + std::string(file));
    std::getline(root, line);
  }
  return line;
}

}  // namespace

std::optional<std::string> RealProcess::env(std::string_view name) const {
  // Safe between threads: nothing in Quern changes the environment.
  const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::filesystem::path RealProcess::executable() const {
  std::error_code none;
  return std::filesystem::read_symlink("/proc/self/exe", none);
}

int RealProcess::pid() const { return ::getpid(); }

std::uint32_t RealProcess::processors() const {
  ::cpu_set_t set;
  CPU_ZERO(&set);
  std::uint32_t count = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    count = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
  }
  const std::string line = cgroup_line("cpu.max");
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() == 2) {
    const auto quota = parse_number<std::uint64_t>(words[0]);
    const auto period = parse_number<std::uint64_t>(words[1]);
    if (quota.ok() && period.ok() && *period > 0) {
      const std::uint64_t whole = (*quota + *period - 1) / *period;
      count = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(whole, 1, count));
    }
  }
  return count;
}

Bytes RealProcess::memory() const {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  const auto limit = parse_number<std::uint64_t>(cgroup_line("memory.max"));
  return {limit.ok() ? std::min(*limit, pages * page) : pages * page};
}

void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // then the soft limit stays
}

void name_this_thread(std::string_view name) {
  constexpr std::size_t kLongest = 15;
  ::pthread_setname_np(::pthread_self(), std::string(name.substr(0, kLongest)).c_str());
}

}  // namespace quern
