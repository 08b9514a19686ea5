// One io thread: its io_context, the connections that live on it, and their clock.
//
// Every connection belongs to one loop for life and is touched on its thread only; that takes the
// place of strands. Connections and exchanges keep their loop alive, so that a handler that
// still holds an exchange after the server is gone gets a clean answer and not a dead context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

namespace quern::http {

class Connection;

class Loop {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Loop(std::chrono::milliseconds tick);

  // Any thread. False: the loop has ended, `job` will never run.
  bool post(std::function<void()> job);
  bool on_thread() const { return thread_id_.load() == std::this_thread::get_id(); }

  // On the loop's thread only.
  void add(std::shared_ptr<Connection> connection);
  void remove(const Connection* connection);
  void for_each(const std::function<void(Connection&)>& visit);
  void later(std::function<void()> job);  // after what is queued already
  std::string_view date();  // "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call

  boost::asio::io_context& context() { return context_; }

  // The owner: runs until stop(); then no posted job will run any more.
  void run();
  void stop();  // any thread
  void end();   // after run() has returned

 private:
  void tick();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  const std::chrono::milliseconds tick_;
  bool ticking_ = false;
  std::atomic<std::thread::id> thread_id_;
  std::mutex mutex_;  // guards ended_ against posts in progress
  bool ended_ = false;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::time_t date_second_ = 0;
  std::string date_;
};

}  // namespace quern::http
