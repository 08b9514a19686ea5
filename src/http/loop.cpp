#include "http/loop.hpp"

#include "http/connection.hpp"

#include <boost/asio/post.hpp>

#include <ctime>
#include <vector>

namespace quern::http {

namespace asio = boost::asio;

Loop::Loop(std::chrono::milliseconds tick)
    : work_(asio::make_work_guard(context_)), timer_(context_), tick_(tick) {}

bool Loop::post(std::function<void()> job) {
  const std::lock_guard held(mutex_);
  if (ended_) return false;
  asio::post(context_, std::move(job));
  return true;
}

void Loop::later(std::function<void()> job) { asio::post(context_, std::move(job)); }

void Loop::add(std::shared_ptr<Connection> connection) {
  const Connection* const key = connection.get();
  connections_.emplace(key, std::move(connection));
  if (!ticking_) {
    ticking_ = true;
    tick();
  }
}

void Loop::remove(const Connection* connection) { connections_.erase(connection); }

void Loop::for_each(const std::function<void(Connection&)>& visit) {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) visit(*connection);
}

// Deadlines are looked at a few times a second for all connections together: a timer per
// connection would cost the hot path more than the request's own work.
void Loop::tick() {
  if (connections_.empty()) {
    ticking_ = false;
    return;
  }
  timer_.expires_after(tick_);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    const Time now = std::chrono::steady_clock::now();
    for_each([now](Connection& connection) { connection.tick(now); });
    tick();
  });
}

std::string_view Loop::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    const std::size_t n = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(text, n);
    date_second_ = now;
  }
  return date_;
}

void Loop::run() {
  thread_id_ = std::this_thread::get_id();
  context_.run();
}

void Loop::stop() { context_.stop(); }

void Loop::end() {
  {
    const std::lock_guard held(mutex_);
    ended_ = true;
  }
  // Jobs that were posted before the end still hold exchanges; let them see closed connections.
  thread_id_ = std::this_thread::get_id();
  for_each([](Connection& connection) { connection.close(); });
  timer_.cancel();
  work_.reset();
  context_.restart();
  context_.poll();
  thread_id_ = std::thread::id{};
}

}  // namespace quern::http
