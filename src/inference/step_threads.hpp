// The threads that compute the steps of one llama context: as many as its ThreadGovernor says.
// The context's one thread calls everything here.
#pragma once

#include "inference/thread_governor.hpp"

#include <cstdint>
#include <vector>

struct llama_batch;  // NOLINT(readability-identifier-naming): llama.cpp names it
struct llama_context;
struct ggml_threadpool;

namespace quern::inference {

class StepThreads {
 public:
  // Of a context that was made for `most` threads.
  explicit StepThreads(std::uint32_t most) : governor_(most), current_(most) {}
  // The context is freed before.
  ~StepThreads();
  StepThreads(const StepThreads&) = delete;
  StepThreads& operator=(const StepThreads&) = delete;

  // Threads that live as long as this; without them ggml starts some at every step. One pool for
  // each number of threads that was ever tried, all but one of them asleep: a thread that a step
  // leaves out of its pool would spin through every other step.
  void keep_for(llama_context* context);

  // llama_decode, its answer, and its exceptions.
  std::int32_t decode(llama_context* context, const llama_batch& batch);

 private:
  void change(llama_context* context, std::uint32_t threads);

  ThreadGovernor governor_;
  std::uint32_t current_;
  std::vector<ggml_threadpool*> pools_;  // beside governor_.levels(), null where not tried; or none
};

}  // namespace quern::inference
