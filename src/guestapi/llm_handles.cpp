#include "guestapi/llm_handles.hpp"

#include "guestapi/llm_write.hpp"

#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

bool is_last(const std::vector<inference::Event>& events) {
  return !events.empty() && std::holds_alternative<inference::Finished>(events.back());
}

}  // namespace

LlmGeneration::LlmGeneration(std::unique_ptr<inference::Generation> generation,
                             std::shared_ptr<Account> account, std::uint64_t reserved)
    : generation_(std::move(generation)), account_(std::move(account)), reserved_(reserved) {}

LlmGeneration::~LlmGeneration() { settle(); }

void LlmGeneration::ended() {
  std::shared_ptr<wasm::HostCall> waiting;  // freed after the lock
  const std::lock_guard lock(mutex_);
  ended_ = true;
  waiting = std::move(waiting_);
}

void LlmGeneration::read(std::shared_ptr<wasm::HostCall> call) { answer(*call, take()); }

void LlmGeneration::blocking_read(std::shared_ptr<wasm::HostCall> call) {
  const Events events = take();
  if (events.ok() && events->empty()) {
    park(std::move(call));
  } else {
    answer(*call, events);
  }
}

void LlmGeneration::park(std::shared_ptr<wasm::HostCall> call) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    waiting_ = std::move(call);
  }
  wait();
}

std::shared_ptr<wasm::Waitable> LlmGeneration::subscribe(std::shared_ptr<wasm::Waitable> fresh) {
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    if (readable_) return readable_;
    readable_ = fresh;
    over = over_;
  }
  if (over) {
    fresh->set(true);
  } else {
    wait();
  }
  return fresh;
}

LlmGeneration::Events LlmGeneration::take() {
  Events events = generation_->read();
  std::shared_ptr<wasm::Waitable> readable;
  const bool over = !events.ok() || is_last(*events);
  {
    const std::lock_guard lock(mutex_);
    over_ = over_ || over;
    readable = readable_;
    ++wait_;  // a wake that was on its way is about what has just been read
  }
  if (over) settle();
  if (readable) {
    readable->set(over);
    if (!over) wait();
  }
  return events;
}

void LlmGeneration::settle() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(settled_, true)) return;
  }
  account_->settle(reserved_, generation_->usage());
}

void LlmGeneration::wait() {
  std::uint64_t wait = 0;
  {
    const std::lock_guard lock(mutex_);
    wait = ++wait_;
  }
  generation_->on_ready([weak = weak_from_this(), wait] {
    if (const auto self = weak.lock()) self->woken(wait);
  });
}

void LlmGeneration::woken(std::uint64_t wait) {
  std::shared_ptr<wasm::HostCall> waiting;
  std::shared_ptr<wasm::Waitable> readable;
  {
    const std::lock_guard lock(mutex_);
    if (wait != wait_) return;
    waiting = std::move(waiting_);
    readable = readable_;
  }
  if (waiting) {
    blocking_read(std::move(waiting));
  } else if (readable) {
    readable->set(true);
  }
}

void LlmGeneration::answer(wasm::HostCall& call, const Events& events) {
  wasm::ValueWriter out;
  out.present(events.ok());
  if (events.ok()) {
    write_events(out, *events);
  } else {
    LlmError error = to_llm_error(events.error());
    if (const auto numbers = generation_->context_full()) {
      error.which = LlmError::Case::context_full;
      error.context = *numbers;
    }
    write_error(out, error);
  }
  call.resolve(out);
}

void LlmEmbedding::begin(inference::Model& model, std::vector<std::string> texts,
                         inference::Caller caller, Answer answer) {
  auto running =
      model.embed(std::move(texts), std::move(caller),
                  [self = shared_from_this(), answer = std::move(answer)](
                      const Result<inference::Embeddings>& result) { self->done(result, answer); });
  {
    const std::lock_guard lock(mutex_);
    if (!over_) return running_.swap(running);
  }
  settle(running->usage());
}

std::shared_ptr<wasm::HostCall> LlmEmbedding::end() {
  std::shared_ptr<wasm::HostCall> call;
  std::unique_ptr<inference::Embedding> running;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    call.swap(call_);
    running.swap(running_);
  }
  if (running) settle(running->usage());
  return call;
}

void LlmEmbedding::done(const Result<inference::Embeddings>& result, const Answer& answer) {
  if (result.ok()) settle({.prompt_tokens = result->prompt_tokens});
  if (const auto call = end()) answer(*call, result);
}

void LlmEmbedding::settle(const inference::Usage& usage) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(settled_, true)) return;
  }
  account_->settle(reserved_, usage);
}

}  // namespace quern::guestapi
