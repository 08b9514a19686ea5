// Continuous batching: many answers on one context, one step at a time.
//
// A step takes, in one batch, the next token of every answer that is being spoken and a piece of
// the prompts that are still being read, so that no stream stalls behind a long prompt. Prompts
// that begin like something cached, or like the prompt of an answer under way, take those cells.
//
// Who runs: tenants in turn, first come first served within one. Who reads first: the shortest
// rest, unless another has been passed over kPatience times. Who yields when the cells run out:
// the prefix cache, then the answer that came last (it is computed again later, and its reader
// notices only the pause).
//
// Not thread-safe: a ModelThread (or a test) owns it and calls step() while that returns true.
#pragma once

#include "inference/decoder.hpp"
#include "inference/job.hpp"
#include "inference/prefix_cache.hpp"
#include "inference/sequence_pool.hpp"
#include "inference/waiting_line.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

namespace quern::inference {

// Written by the scheduler, read by anybody.
struct Counters {
  std::atomic<std::uint32_t> in_flight = 0;  // admitted and not over; counted up at the door
  std::atomic<std::uint32_t> running = 0;
  std::atomic<std::uint32_t> cached_tokens = 0;
  std::atomic<std::uint64_t> prompt_tokens = 0;
  std::atomic<std::uint64_t> cached_prompt_tokens = 0;
  std::atomic<std::uint64_t> completion_tokens = 0;
  // For who watches: when the step under way began (steady clock; 0: none is), and whose next token
  // is being chosen in it (Job::request; 0: nobody's).
  std::atomic<std::chrono::nanoseconds::rep> step_began = 0;
  std::atomic<std::uint64_t> choosing_for = 0;
};

// How long the step that began then has lasted; 0 where none is under way.
inline std::chrono::milliseconds step_lasts(std::chrono::nanoseconds::rep began) {
  using Clock = std::chrono::steady_clock;
  if (began == 0) return std::chrono::milliseconds(0);
  const auto since = Clock::now().time_since_epoch() - Clock::duration(began);
  return std::chrono::duration_cast<std::chrono::milliseconds>(since);
}

struct SchedulerOptions {
  std::uint32_t context_tokens = 0;  // of one answer, prompt included
  std::uint32_t max_running = 16;
  std::uint32_t prefill_chunk = 256;  // prompt tokens in a step that also decodes
  std::uint32_t cache_tokens = 0;
  Bytes cache_memory = 1_GiB;  // for cached prompts outside the context
  CacheSharing cache_sharing = CacheSharing::same_tenant;
};

class Scheduler {
 public:
  Scheduler(Decoder& decoder, Counters& counters, SchedulerOptions options);
  ~Scheduler();

  void add(std::unique_ptr<Job> job);
  // Does what can be done now. False: nothing can, until a job is added, a reader reads or
  // cancels, or next_deadline() passes.
  bool step();
  Deadline next_deadline() const;
  // Ends everything with this error.
  void abandon(const Error& error);

 private:
  struct Slot;
  struct Batch;

  void end_what_is_over();
  void start_waiting();
  bool park_a_paused_one();
  void tell_readers(const Batch& batch);
  void settle();
  bool start(std::unique_ptr<Job> job);
  void choose_leader(Slot& slot);
  bool follow(Slot& slot);
  Batch plan();
  static void add_to(Batch& batch, Slot& slot, std::uint32_t tokens);
  bool decode(Batch& batch);
  void make_room();
  void speak(const Batch& batch);
  void say(Slot& slot, std::span<const float> logits);
  void finish(Slot& slot, FinishReason reason);
  void fail(Slot& slot, const Error& error);
  // Gives what the slot has computed to the cache.
  void remember(const Slot& slot);
  void release(Slot& slot);
  void remove(Slot& slot);
  std::string space_of(const Job& job) const;
  Slot* slot_by_serial(std::uint64_t serial);

  Decoder& decoder_;
  Counters& counters_;
  const SchedulerOptions options_;
  SequencePool pool_;
  PrefixCache cache_;
  WaitingLine waiting_;
  std::vector<std::unique_ptr<Slot>> slots_;  // oldest first
  std::uint64_t next_serial_ = 1;
  bool crowded_ = false;  // somebody had to yield: nobody starts before somebody has ended
  bool settled_ = true;   // no idle cells beside those that run
};

}  // namespace quern::inference
