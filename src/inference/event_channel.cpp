#include "inference/event_channel.hpp"

#include <algorithm>
#include <iterator>

namespace quern::inference {

EventChannel::EventChannel(std::size_t capacity, std::function<void()> drained)
    : capacity_(std::max<std::size_t>(capacity, 1)), drained_(std::move(drained)) {}

void EventChannel::push(Event event) {
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  events_.push_back(std::move(event));
  wake_if_due(std::move(lock));
}

void EventChannel::push(std::vector<Event> events) {
  if (events.empty()) return;
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  std::move(events.begin(), events.end(), std::back_inserter(events_));
  wake_if_due(std::move(lock));
}

void EventChannel::finish(Finished finished) {
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  events_.emplace_back(finished);
  state_ = State::ending;
  wake_reader(std::move(lock));
}

void EventChannel::fail(Error error) {
  std::unique_lock lock(mutex_);
  if (state_ != State::open) return;
  error_ = std::move(error);
  state_ = State::ending;
  wake_reader(std::move(lock));
}

void EventChannel::pace(std::chrono::milliseconds least) {
  const std::lock_guard lock(mutex_);
  pace_ = least;
}

void EventChannel::tell() {
  std::unique_lock lock(mutex_);
  if (!events_.empty()) wake_reader(std::move(lock));
}

void EventChannel::tell_if_due() {
  std::unique_lock lock(mutex_);
  if (!events_.empty()) wake_if_due(std::move(lock));
}

void EventChannel::set_context_full(ContextFull numbers) {
  const std::lock_guard lock(mutex_);
  context_full_ = numbers;
}

void EventChannel::meter(Usage usage) {
  const std::lock_guard lock(mutex_);
  usage_ = usage;
}

bool EventChannel::full() {
  const std::lock_guard lock(mutex_);
  reader_is_behind_ = events_.size() >= capacity_;
  return reader_is_behind_;
}

bool EventChannel::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

Result<std::vector<Event>> EventChannel::read() {
  std::vector<Event> events;
  bool drained = false;
  {
    const std::lock_guard lock(mutex_);
    events.swap(events_);
    drained = std::exchange(reader_is_behind_, false);
    if (events.empty() && state_ == State::over) {
      return quern::fail(ErrorKind::cancelled, "the generation is over");
    }
    if (state_ == State::ending && (events.empty() || !error_)) {
      state_ = State::over;
      if (error_) return quern::fail(*std::move(error_));
    }
  }
  if (drained && drained_) drained_();
  return events;
}

void EventChannel::on_ready(std::function<void()> wake) {
  std::unique_lock lock(mutex_);
  wake_.swap(wake);  // the earlier one is destroyed after the lock is gone
  const bool something = !events_.empty() || state_ != State::open;
  if (something) wake_if_due(std::move(lock));
}

void EventChannel::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    reader_is_behind_ = false;
  }
  if (drained_) drained_();  // a paused writer must look
}

void EventChannel::close() {
  stop();
  std::function<void()> dropped;
  std::unique_lock lock(mutex_);
  wake_.swap(dropped);
  quiet_.wait(lock, [this] {
    return waking_ == std::thread::id() || waking_ == std::this_thread::get_id();
  });
}

Usage EventChannel::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

std::optional<ContextFull> EventChannel::context_full() const {
  const std::lock_guard lock(mutex_);
  return context_full_;
}

// Not while the reader was woken a moment ago and more is to come; a full channel waits for
// nothing.
void EventChannel::wake_if_due(std::unique_lock<std::mutex> lock) {
  const bool may_wait = pace_.count() > 0 && state_ == State::open && events_.size() < capacity_ &&
                        std::chrono::steady_clock::now() < last_wake_ + pace_;
  if (!may_wait) wake_reader(std::move(lock));
}

// Foreign code runs without the lock; `waking_` lets close() wait for it.
void EventChannel::wake_reader(std::unique_lock<std::mutex> lock) {
  if (!wake_) return;
  if (pace_.count() > 0) last_wake_ = std::chrono::steady_clock::now();
  auto wake = std::exchange(wake_, nullptr);
  waking_ = std::this_thread::get_id();
  lock.unlock();
  wake();
  wake = nullptr;  // its destructor is foreign code too
  lock.lock();
  waking_ = std::thread::id();
  lock.unlock();
  quiet_.notify_all();
}

}  // namespace quern::inference
