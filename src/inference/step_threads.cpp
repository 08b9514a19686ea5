#include "inference/step_threads.hpp"

#include "base/log.hpp"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>

namespace quern::inference {
namespace {

// The CPU back-end is a library that is chosen at run time, so its functions are asked for by name.
template <class Function>
Function* cpu_function(const char* name) {
  auto* const device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  auto* const registry = ggml_backend_dev_backend_reg(device);
  return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(registry, name));
}

ggml_threadpool* new_pool(std::uint32_t threads) {
  ggml_threadpool_params params = ggml_threadpool_params_default(static_cast<int>(threads));
  params.paused = true;  // until its first step
  return cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new")(&params);
}

std::chrono::nanoseconds ran_by_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

StepThreads::~StepThreads() {
  if (pools_.empty()) return;
  auto* const free_pool = cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free");
  for (ggml_threadpool* const pool : pools_) {
    if (pool != nullptr) free_pool(pool);
  }
}

void StepThreads::keep_for(llama_context* context) {
  if (cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new") == nullptr) return;
  pools_.resize(governor_.levels().size(), nullptr);
  change(context, governor_.threads());
}

std::int32_t StepThreads::decode(llama_context* context, const llama_batch& batch) {
  if (governor_.threads() != current_) change(context, governor_.threads());
  const auto began = std::chrono::steady_clock::now();
  const auto ran = ran_by_now();
  const std::int32_t outcome = llama_decode(context, batch);
  if (outcome == 0) {
    governor_.took({.tokens = static_cast<std::uint32_t>(batch.n_tokens),
                    .wall = std::chrono::steady_clock::now() - began,
                    .ran = ran_by_now() - ran});
  }
  return outcome;
}

void StepThreads::change(llama_context* context, std::uint32_t threads) {
  const auto levels = governor_.levels();
  const auto level = std::find(levels.begin(), levels.end(), threads) - levels.begin();
  if (!pools_.empty()) {
    ggml_threadpool*& pool = pools_[static_cast<std::size_t>(level)];
    if (pool == nullptr) pool = new_pool(threads);
    llama_attach_threadpool(context, pool, nullptr);  // puts the pool that it leaves to sleep
  }
  const auto count = static_cast<std::int32_t>(threads);
  llama_set_n_threads(context, count, count);
  current_ = threads;
  log::debug("inference", "steps are computed by " + std::to_string(threads) + " of " +
                              std::to_string(levels.front()) + " threads");
}

}  // namespace quern::inference
