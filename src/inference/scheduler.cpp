#include "inference/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {
namespace {

using Clock = std::chrono::steady_clock;

// Steps that a prompt may be passed over by shorter ones before it goes first.
constexpr int kPatience = 8;
// A shorter common beginning is not worth waiting for.
constexpr std::uint32_t kLeastToFollow = 32;
// Cells of idle cached prompts that are moved out of the context between two steps: a copy of some
// milliseconds.
constexpr std::uint32_t kMovedAtOnce = 512;

double ms(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::uint32_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::uint32_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                                    a.begin());
}

}  // namespace

struct Scheduler::Slot {
  std::unique_ptr<Job> job;
  std::uint64_t serial = 0;  // grows with each start
  Sequence sequence = 0;
  std::uint32_t computed = 0;  // of job->tokens, those that lie in cells
  int passed_over = 0;
  // Another answer that is computing the beginning of this one's prompt, and how long that is.
  std::uint64_t leader = 0;
  std::uint32_t common = 0;

  std::uint32_t length() const { return static_cast<std::uint32_t>(job->tokens.size()); }
  std::uint32_t pending() const { return length() - computed; }
  bool speaking() const { return pending() == 1; }
};

struct Scheduler::Batch {
  struct Part {
    Slot* slot;
    std::uint32_t tokens;
    std::size_t logits;  // index of the entry that asked for them
    bool complete;
  };
  std::vector<BatchToken> tokens;
  std::vector<Part> parts;
};

Scheduler::Scheduler(Decoder& decoder, Counters& counters, SchedulerOptions options)
    : decoder_(decoder),
      counters_(counters),
      options_(options),
      pool_(decoder.shape().sequences),
      cache_(decoder, pool_,
             {.tokens = options.cache_sharing == CacheSharing::nobody ? 0 : options.cache_tokens,
              .memory = options.cache_memory}) {}

Scheduler::~Scheduler() { abandon(Error(ErrorKind::unavailable, "the model is shutting down")); }

void Scheduler::add(std::unique_ptr<Job> job) { waiting_.push_back(std::move(job)); }

bool Scheduler::step() {
  end_what_is_over();
  start_waiting();
  Batch batch = plan();
  tell_readers(batch);
  if (batch.parts.empty()) return false;
  if (!settled_) settle();
  if (!decode(batch)) return true;  // somebody had to go, or what failed is gone: plan again
  speak(batch);
  counters_.cached_tokens = cache_.tokens();
  return true;
}

Deadline Scheduler::next_deadline() const {
  Deadline next = Deadline::never();
  for (const auto& slot : slots_) next = next.earlier(slot->job->deadline);
  waiting_.each([&](const Job& job) { next = next.earlier(job.deadline); });
  return next;
}

void Scheduler::abandon(const Error& error) {
  while (!slots_.empty()) fail(*slots_.back(), error);
  for (const auto& job : waiting_.take_if([](const Job&) { return true; })) {
    job->channel->fail(error);
    --counters_.in_flight;
  }
}

void Scheduler::end_what_is_over() {
  const auto now = Clock::now();
  for (std::size_t i = slots_.size(); i > 0; --i) {
    Slot& slot = *slots_[i - 1];
    if (slot.job->channel->stopped()) {
      finish(slot, FinishReason::stop);
    } else if (slot.job->deadline.when() <= now) {
      fail(slot, Error(ErrorKind::deadline_exceeded, "the answer took longer than allowed"));
    }
  }
  const auto over = waiting_.take_if(
      [&](const Job& job) { return job.deadline.when() <= now || job.channel->stopped(); });
  for (const auto& job : over) {
    if (job->channel->stopped()) {
      job->channel->finish({.reason = FinishReason::stop, .usage = job->usage, .timings = {}});
    } else {
      job->channel->fail(
          Error(ErrorKind::deadline_exceeded, "no place came free in the time allowed"));
    }
    --counters_.in_flight;
  }
}

void Scheduler::start_waiting() {
  if (slots_.empty()) crowded_ = false;
  while (!waiting_.empty() && !crowded_) {
    if (slots_.size() >= options_.max_running && !park_a_paused_one()) return;
    auto job = waiting_.pop([](const Job& waiting) { return !waiting.channel->full(); });
    if (!job || !start(std::move(job))) return;
  }
}

// An answer whose reader is behind gives its place to somebody who can use it, and comes back to
// the front of its line; its cells stay in the cache.
bool Scheduler::park_a_paused_one() {
  for (const auto& slot : slots_) {
    if (!slot->speaking() || !slot->job->channel->full()) continue;
    remember(*slot);
    auto job = std::move(slot->job);
    remove(*slot);
    waiting_.push_front(std::move(job));
    return true;
  }
  return false;
}

// Whoever is to wait longer than for one token hears now what there is.
void Scheduler::tell_readers(const Batch& batch) {
  const bool soon = !batch.parts.empty() && batch.tokens.size() == batch.parts.size();
  for (const auto& slot : slots_) {
    if (soon) {
      slot->job->channel->tell_if_due();
    } else {
      slot->job->channel->tell();
    }
  }
}

// Idle cells slow every step down, so they leave while somebody runs; alone they may stay, in case
// the next prompt goes on from them.
void Scheduler::settle() {
  cache_.begin_marking();
  for (const auto& slot : slots_) cache_.mark(space_of(*slot->job), slot->job->tokens);
  settled_ = cache_.settle(kMovedAtOnce);
}

bool Scheduler::start(std::unique_ptr<Job> job) {
  auto sequence = pool_.take();
  if (!sequence && cache_.free_cells()) sequence = pool_.take();
  if (!sequence) {
    waiting_.push_front(std::move(job));
    return false;
  }
  auto slot = std::make_unique<Slot>();
  slot->job = std::move(job);
  slot->serial = next_serial_++;
  slot->sequence = *sequence;
  Job& started = *slot->job;
  const bool first_time = started.started == Job::Time();
  const std::span<const Token> all_but_last(started.tokens.data(), started.tokens.size() - 1);
  slot->computed = cache_.attach(space_of(started), all_but_last, slot->sequence, 0);
  if (first_time) {
    started.started = Clock::now();
    started.usage.cached_tokens = slot->computed;
    counters_.prompt_tokens += started.usage.prompt_tokens;
    started.channel->meter(started.usage);
  }
  choose_leader(*slot);
  slots_.push_back(std::move(slot));
  settled_ = false;
  counters_.running = static_cast<std::uint32_t>(slots_.size());
  return true;
}

// Looks for an answer under way whose beginning is more of this prompt than is already here.
void Scheduler::choose_leader(Slot& slot) {
  slot.leader = 0;
  if (!decoder_.shape().shares || options_.cache_sharing == CacheSharing::nobody) return;
  const std::span<const Token> wanted(slot.job->tokens.data(), slot.job->tokens.size() - 1);
  for (const auto& other : slots_) {
    if (other->serial >= slot.serial || space_of(*other->job) != space_of(*slot.job)) continue;
    const std::uint32_t common = common_prefix(wanted, other->job->tokens);
    const std::uint32_t known = slot.leader == 0 ? slot.computed + kLeastToFollow : slot.common;
    if (common <= known) continue;
    slot.leader = other->serial;
    slot.common = common;
  }
}

// True while the slot waits for its leader to compute what they have in common.
bool Scheduler::follow(Slot& slot) {
  if (slot.leader == 0) return false;
  const Slot* const leader = slot_by_serial(slot.leader);
  if (leader != nullptr && leader->computed < slot.common) return true;
  const std::uint32_t before = slot.computed;
  const std::uint32_t window = decoder_.shape().window;
  if (leader == nullptr) {  // gone; what it had computed is in the cache
    const std::span<const Token> wanted(slot.job->tokens.data(), slot.job->tokens.size() - 1);
    slot.computed =
        std::max(before, cache_.attach(space_of(*slot.job), wanted, slot.sequence, before));
    choose_leader(slot);
  } else {
    const std::uint32_t seen_from = slot.common > window ? slot.common - window : 0;
    if (window == 0 || decoder_.whole_from(leader->sequence) <= seen_from) {
      decoder_.share(leader->sequence, slot.sequence, {before, slot.common});
      slot.computed = slot.common;
    }
    slot.leader = 0;
  }
  if (slot.job->usage.completion_tokens == 0) {
    slot.job->usage.cached_tokens += slot.computed - before;
    slot.job->channel->meter(slot.job->usage);
  }
  return slot.leader != 0;
}

Scheduler::Batch Scheduler::plan() {
  Batch batch;
  std::vector<Slot*> readers;
  for (const auto& slot : slots_) {
    if (follow(*slot)) continue;
    if (!slot->speaking()) {
      readers.push_back(slot.get());
    } else if (!slot->job->channel->full()) {
      add_to(batch, *slot, 1);
    }
  }
  const std::uint32_t room =
      decoder_.shape().batch - static_cast<std::uint32_t>(batch.tokens.size());
  std::uint32_t left = batch.parts.empty() ? room : std::min(room, options_.prefill_chunk);
  std::stable_sort(readers.begin(), readers.end(), [](const Slot* a, const Slot* b) {
    const bool a_first = a->passed_over >= kPatience;
    const bool b_first = b->passed_over >= kPatience;
    if (a_first != b_first) return a_first;
    return !a_first && a->pending() < b->pending();
  });
  for (Slot* slot : readers) {
    if (left == 0) {
      ++slot->passed_over;
      continue;
    }
    slot->passed_over = 0;
    const std::uint32_t piece = std::min(left, slot->pending());
    add_to(batch, *slot, piece);
    left -= piece;
  }
  return batch;
}

void Scheduler::add_to(Batch& batch, Slot& slot, std::uint32_t tokens) {
  const bool complete = tokens == slot.pending();
  for (std::uint32_t i = 0; i < tokens; ++i) {
    const std::uint32_t at = slot.computed + i;
    batch.tokens.push_back({.token = slot.job->tokens[at],
                            .position = at,
                            .sequence = slot.sequence,
                            .wants_logits = complete && i + 1 == tokens});
  }
  batch.parts.push_back(
      {.slot = &slot, .tokens = tokens, .logits = batch.tokens.size() - 1, .complete = complete});
}

// False: the batch was not computed and the slots have changed; plan again.
bool Scheduler::decode(Batch& batch) {
  for (;;) {
    switch (decoder_.decode(batch.tokens)) {
      case Decoded::done:
        for (const auto& part : batch.parts) part.slot->computed += part.tokens;
        return true;
      case Decoded::no_room:
        if (cache_.free_cells()) continue;
        make_room();
        return false;
      case Decoded::failed:
        for (const auto& part : batch.parts) {
          part.slot->computed = 0;  // its cells are not to be trusted, nor to be kept
          fail(*part.slot, Error(ErrorKind::internal, "the engine could not compute a step"));
        }
        return false;
    }
  }
}

// The answer that came last goes back to the front of its line and gives up its cells.
void Scheduler::make_room() {
  Slot& youngest = *slots_.back();
  if (slots_.size() == 1) {
    fail(youngest,
         Error(ErrorKind::resource_exhausted, "the model's memory is too small for this"));
    return;
  }
  auto job = std::move(youngest.job);
  job->channel->pace({});  // nobody knows when more will come
  job->channel->tell();
  remove(youngest);
  waiting_.push_front(std::move(job));
  crowded_ = true;
}

void Scheduler::speak(const Batch& batch) {
  for (const auto& part : batch.parts) {
    if (part.complete) say(*part.slot, decoder_.logits(part.logits));
  }
}

void Scheduler::say(Slot& slot, std::span<const float> logits) {
  Job& job = *slot.job;
  if (job.first_token == Job::Time()) job.first_token = Clock::now();
  counters_.choosing_for = job.request;
  auto said = job.speaker->say(logits);
  counters_.choosing_for = 0;
  if (!said.ok()) return fail(slot, said.error());
  job.tokens.push_back(said->token);
  ++job.usage.completion_tokens;
  ++counters_.completion_tokens;
  job.channel->meter(job.usage);
  if (said->ended) return finish(slot, *said->ended);
  if (job.usage.completion_tokens >= job.max_tokens || slot.length() >= options_.context_tokens) {
    finish(slot, FinishReason::length);
  }
}

void Scheduler::finish(Slot& slot, FinishReason reason) {
  Job& job = *slot.job;
  const auto now = Clock::now();
  const auto first = job.first_token == Job::Time() ? now : job.first_token;
  const FinishReason exact = job.speaker->close(reason);
  job.channel->finish({.reason = exact,
                       .usage = job.usage,
                       .timings = {.queue_ms = ms(job.started - job.admitted),
                                   .prefill_ms = ms(first - job.started),
                                   .decode_ms = ms(now - first)}});
  release(slot);
}

void Scheduler::fail(Slot& slot, const Error& error) {
  slot.job->channel->fail(error);
  release(slot);
}

void Scheduler::remember(const Slot& slot) {
  const std::span<const Token> known(slot.job->tokens.data(), slot.computed);
  cache_.keep(space_of(*slot.job), known, slot.sequence);
}

void Scheduler::release(Slot& slot) {
  crowded_ = false;
  remember(slot);
  counters_.cached_prompt_tokens += slot.job->usage.cached_tokens;
  counters_.cached_tokens = cache_.tokens();
  --counters_.in_flight;
  remove(slot);
  settled_ = false;
}

void Scheduler::remove(Slot& slot) {
  decoder_.drop(slot.sequence, {0, decoder_.shape().cells});
  pool_.give_back(slot.sequence);
  std::erase_if(slots_, [&](const auto& other) { return other.get() == &slot; });
  counters_.running = static_cast<std::uint32_t>(slots_.size());
}

std::string Scheduler::space_of(const Job& job) const {
  return options_.cache_sharing == CacheSharing::same_tenant ? job.tenant : std::string();
}

Scheduler::Slot* Scheduler::slot_by_serial(std::uint64_t serial) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(),
                                 [&](const auto& other) { return other->serial == serial; });
  return slot == slots_.end() ? nullptr : slot->get();
}

}  // namespace quern::inference
