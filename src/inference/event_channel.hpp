// The way of one generation's events from the thread that makes them to the one that reads them.
//
// One writer, one reader, any threads. The writer never waits: it asks `full()` and pauses its own
// work; `drained` is called (on the reader's thread) when a reader that had fallen behind has
// caught up. Calls cost an uncontended lock and no system call unless somebody waits.
//
// A wake costs more than a token: the reader runs on a processor that the model was using. A paced
// channel therefore wakes its reader at intervals, with all that came meanwhile, but for the first
// event, the last, and when the writer says that nothing more will come for a while.
#pragma once

#include "inference/inference.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace quern::inference {

class EventChannel {
 public:
  // `capacity`: unread events after which full() is true; 0 counts as 1.
  EventChannel(std::size_t capacity, std::function<void()> drained);

  // ---- the writer's side. After finish() or fail() nothing more is taken.
  void push(Event event);
  void push(std::vector<Event> events);
  void finish(Finished finished);
  void fail(Error error);
  // From now on push() wakes the reader no more often than this. Zero, the default: always.
  void pace(std::chrono::milliseconds least);
  // Wakes the reader if something lies unread that it was not woken for.
  void tell();
  // The same, but only when the time for it has come.
  void tell_if_due();
  // What context_full() will answer; call it before fail().
  void set_context_full(ContextFull numbers);
  // What was computed until now.
  void meter(Usage usage);
  // True when the reader is behind; from then on `drained` will be called once it is not.
  bool full();
  // The reader wants no more: it cancelled, or it is gone.
  bool stopped() const;

  // ---- the reader's side; as in Generation.
  Result<std::vector<Event>> read();
  void on_ready(std::function<void()> wake);
  // Asks the writer to stop.
  void stop();
  // Stops, and from its return on no wake is running (but one that is itself the caller).
  void close();
  std::optional<ContextFull> context_full() const;
  Usage usage() const;

 private:
  enum class State : std::uint8_t { open, ending, over };
  void wake_if_due(std::unique_lock<std::mutex> lock);
  void wake_reader(std::unique_lock<std::mutex> lock);

  const std::size_t capacity_;
  const std::function<void()> drained_;

  mutable std::mutex mutex_;
  std::condition_variable quiet_;  // signalled when a wake has returned
  std::vector<Event> events_;
  std::optional<Error> error_;
  std::optional<ContextFull> context_full_;
  Usage usage_;
  State state_ = State::open;  // ending: nothing more is written; over: all was read
  bool stopped_ = false;
  bool reader_is_behind_ = false;
  std::chrono::milliseconds pace_{0};
  std::chrono::steady_clock::time_point last_wake_ = std::chrono::steady_clock::time_point::min();
  std::function<void()> wake_;
  std::thread::id waking_;  // who runs a wake now; the default id: nobody
};

}  // namespace quern::inference
