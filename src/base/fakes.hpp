// The outside world for tests: a clock wound by hand, a disk in memory that fails on demand, a
// scripted network, a made-up process.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/guarded.hpp"
#include "base/network.hpp"
#include "base/process.hpp"

#include <condition_variable>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quern {

// Time stands still until advance() is called. sleep() waits for that.
class ManualClock final : public Clock {
 public:
  Time now() const override;
  std::chrono::system_clock::time_point date() const override;
  Result<> sleep(std::chrono::milliseconds time, std::stop_token stop) override;
  void advance(std::chrono::milliseconds time);
  // How many threads are in sleep(): lets a test wait until the code under test is there.
  int sleepers() const;

 private:
  struct State {
    std::chrono::milliseconds passed{0};
    int sleepers = 0;
  };
  Guarded<State> state_;
  std::condition_variable_any changed_;
};

// A disk in memory. Paths are taken as they are written. Directories exist once made; a write
// needs its directory.
class FakeFiles final : public Files {
 public:
  Result<Buffer> read(const Path& path, Bytes limit) override;
  Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) override;
  Result<> write(const Path& path, ByteView bytes) override;
  Result<std::unique_ptr<FileWriter>> append(const Path& path) override;
  Result<FileInfo> stat(const Path& path) override;
  Result<std::vector<std::string>> list(const Path& directory) override;
  Result<> rename(const Path& from, const Path& to) override;
  Result<> remove(const Path& path) override;
  Result<> truncate(const Path& path, Bytes size) override;
  Result<> make_directories(const Path& path, std::uint32_t mode) override;
  Result<Bytes> free_space(const Path& path) override;
  Result<std::unique_ptr<FileLock>> try_lock(const Path& path) override;

  // The n-th change of the disk from now (1: the next) and every later one fails with this error:
  // as if the disk were full, or the machine had lost power. An append then writes half.
  void fail_at_change(int n, Error error);
  void work_again();
  void set_free_space(Bytes space);
  // Changes so far: run once, then loop fail_at_change over 1..changes().
  int changes() const;

 private:
  friend class FakeWriter;
  friend class FakeLock;
  struct State {
    std::map<std::string, Buffer> files;
    std::set<std::string> directories{"/", "."};
    std::set<std::string> locks;
    Bytes space = 100_GiB;
    int changes = 0;
    int fail_at = 0;  // 0: never
    std::optional<Error> error;
  };
  static Result<> change(State& state);
  Result<> append_bytes(const std::string& path, ByteView bytes);
  Guarded<State> state_;
};

// Answers from a script, per URL; a URL that is not in it is not_found.
class FakeNetwork final : public Network {
 public:
  struct Page {
    std::string body;
    std::string content_type = "application/octet-stream";
    // After so many bytes of the body the connection breaks (unavailable). Once.
    std::optional<std::size_t> breaks_after;
    bool honours_ranges = true;
    // The address that redirects lead to; empty: there are none.
    std::string redirected_to;
    // Instead of all that.
    std::optional<Error> error;
  };
  void set(std::string url, Page page);
  Result<> fetch(const FetchRequest& request, std::stop_token stop,
                 std::function<Result<>(const FetchHead&)> head,
                 std::function<Result<>(ByteView)> chunk) override;
  // Answers what is sent; without it everything is not_found. `body` is all of the request's.
  using Answer =
      std::function<Result<SendAnswer>(const SendRequest& request, const std::string& body)>;
  void answer_sent(Answer answer);
  Result<SendAnswer> send(const SendRequest& request, std::stop_token stop) override;
  // What was asked for by fetch(), in order.
  std::vector<FetchRequest> requests() const;

 private:
  struct State {
    std::map<std::string, Page> pages;
    std::vector<FetchRequest> requests;
    Answer answer;
  };
  Guarded<State> state_;
};

// Set the fields, then hand it over.
class FakeProcess final : public Process {
 public:
  std::map<std::string, std::string, std::less<>> environment;
  std::filesystem::path path = "/usr/bin/quern";
  std::uint32_t processor_count = 4;
  Bytes memory_size = 8_GiB;

  std::optional<std::string> env(std::string_view name) const override;
  std::filesystem::path executable() const override { return path; }
  int pid() const override { return 1234; }
  std::uint32_t processors() const override { return processor_count; }
  Bytes memory() const override { return memory_size; }
};

}  // namespace quern
