// What the tests of this room share: an engine, guests by name, and blocking runs.
#pragma once

#include "wasm/wasm.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace quern::wasm::testing {

using namespace std::chrono_literals;

inline std::filesystem::path guest(std::string_view name) {
  return std::filesystem::path(QUERN_HOSTILE_GUESTS) / (std::string(name) + ".wasm");
}

// One engine for all tests of a binary: making one is slow only for the components it compiles.
inline Engine& shared_engine() {
  static const std::unique_ptr<Engine> engine =
      Engine::create({.worker_threads = 2, .max_instances = 300}).value();
  return *engine;
}

inline std::shared_ptr<Linked> link_guest(std::string_view name, const HostImports& host = {}) {
  auto program = shared_engine().load_file(guest(name));
  EXPECT_TRUE(program.ok()) << program.error().describe();
  auto linked = shared_engine().link(*program, host);
  EXPECT_TRUE(linked.ok()) << linked.error().describe();
  return *linked;
}

// A promise that a callback of the engine keeps.
template <class T>
class Later {
 public:
  std::function<void(Result<T>)> setter() {
    return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
  }
  Result<T> get(std::chrono::seconds patience = 30s) {
    auto future = promise_->get_future();
    if (future.wait_for(patience) != std::future_status::ready) {
      return fail(ErrorKind::internal, "the test waited too long");
    }
    return future.get();
  }

 private:
  std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

inline Result<int> run(Linked& linked, Sandbox sandbox = {}) {
  Later<int> later;
  const auto running = linked.run(std::move(sandbox), later.setter());
  return later.get();
}

inline Result<int> run_guest(std::string_view name, Sandbox sandbox = {},
                             const HostImports& host = {}) {
  return run(*link_guest(name, host), std::move(sandbox));
}

class Collected final : public OutputSink {
 public:
  void write(ByteView bytes) override {
    const std::lock_guard lock(mutex_);
    text_ += as_text(bytes);
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// The host side of guests/hostile/wit/hostile.wit. Calls that wait are kept until answered.
class TestHost final : public std::enable_shared_from_this<TestHost> {
 public:
  HostImports imports();
  // Answers every waiting wait-answer; how many there were.
  std::size_t answer_all(std::uint32_t value);
  std::size_t waiting() const;
  std::uint32_t measured() const;  // bytes of the last text
  int dropped() const;             // counters
 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<HostCall>> waiting_;
  std::vector<std::unique_ptr<HostCall>> never_;
  std::vector<std::uint32_t> counters_;
  std::vector<std::shared_ptr<Waitable>> waitables_;
  std::uint32_t measured_ = 0;
  int dropped_ = 0;
};

// Waits until `condition` holds; false when it does not within the patience.
template <class Condition>
bool eventually(const Condition& condition, std::chrono::milliseconds patience = 10s) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace quern::wasm::testing
