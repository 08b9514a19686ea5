// What the room costs by itself: a cold start, and a request through a component.
#include "wasm/test_support.hpp"

#include <benchmark/benchmark.h>

#include <condition_variable>
#include <mutex>

namespace quern::wasm {
namespace {

using namespace testing;

class Waiting final : public HttpResponseSink {
 public:
  void head(std::uint16_t, HttpHeaders) override {}
  void body(Buffer, std::function<void()> taken) override { taken(); }
  void end() override { over(); }
  void fail(Error) override { over(); }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return over_; });
  }

 private:
  void over() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
};

std::shared_ptr<Linked> component() {
  static const auto linked = link_guest("hostile", std::make_shared<TestHost>()->imports());
  return linked;
}

void cold_start_module(benchmark::State& state) {
  const auto linked = link_guest("healthy");
  for (auto _ : state) {
    state.SetIterationTime(std::chrono::duration<double>(*linked->measure_start({})).count());
  }
}
BENCHMARK(cold_start_module)->UseManualTime();

void cold_start_component(benchmark::State& state) {
  for (auto _ : state) {
    state.SetIterationTime(std::chrono::duration<double>(*component()->measure_start({})).count());
  }
}
BENCHMARK(cold_start_component)->UseManualTime();

// `at_once` requests are under way at any time.
void requests(benchmark::State& state) {
  const auto at_once = static_cast<std::size_t>(state.range(0));
  const auto linked = component();
  for (auto _ : state) {
    std::vector<std::shared_ptr<Waiting>> sinks;
    std::vector<std::unique_ptr<HttpExchange>> exchanges;
    for (std::size_t i = 0; i < at_once; ++i) {
      sinks.push_back(std::make_shared<Waiting>());
      exchanges.push_back(linked->handle({},
                                         {.method = "GET",
                                          .scheme = "http",
                                          .authority = "localhost",
                                          .target = "/hello",
                                          .headers = {}},
                                         sinks.back()));
    }
    for (const auto& sink : sinks) sink->wait();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * at_once));
}
BENCHMARK(requests)->Arg(1)->Arg(16)->UseRealTime();

}  // namespace
}  // namespace quern::wasm

BENCHMARK_MAIN();
