// One client's connection: bytes to requests to a handler, its response back to bytes.
//
// A state machine on its loop's thread; every method is called there. It reads ahead by at most
// one buffer, also while a response is in progress: that is how it notices that the client is
// gone, and what makes pipelined requests wait without being lost. A client that stops sending may
// be gone or may have closed only its half; look_for_client() finds out.
//
//     opening ─▶ head ─▶ exchange ─▶ head ...          lingering: the last bytes are on their way;
//        └─────────┴────────┴──▶ lingering ─▶ closed   what the client still sends is thrown away
#pragma once

#include "http/http.hpp"
#include "http/loop.hpp"
#include "http/request_id.hpp"
#include "http/request_parser.hpp"
#include "http/response_head.hpp"
#include "http/transport.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quern::http {

// What all connections of a server share.
struct ServerState {
  ServerOptions options;
  Handler* handler = nullptr;
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::uint32_t> refused{0};  // connections that only get their 503
  std::atomic<bool> draining{false};
  const RequestIds ids;
  std::mutex mutex;
  std::condition_variable changed;  // a connection ended
};

class Connection final : public TransportEvents, public std::enable_shared_from_this<Connection> {
 public:
  struct Parts {
    std::shared_ptr<Loop> loop;
    std::shared_ptr<ServerState> state;
    std::unique_ptr<Transport> transport;
    std::string peer;
    bool tls = false;
    bool refused = false;  // one too many: answer 503 and go
  };

  explicit Connection(Parts parts);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void tick(Loop::Time now);
  void close_if_idle();  // draining
  void close();
  Loop& loop() { return *parts_.loop; }

  // What an exchange asks for. `id` names it: calls for one that is over do nothing, and report
  // `unavailable` to their callback.
  void read_body(std::uint64_t id, std::function<void(Result<Buffer>)> got);
  void send_head(std::uint64_t id, std::uint16_t status, const Headers& headers);
  void send_body(std::uint64_t id, ByteView chunk, std::function<void(Result<>)> sent);
  void finish(std::uint64_t id);
  void abort(std::uint64_t id);
  void on_gone(std::uint64_t id, std::function<void()> gone);
  void dropped(std::uint64_t id);  // the handler let go of it
  // The write of what an exchange sent from another thread waits for its next call, if that is
  // already on its way: head, body and end then leave in one piece.
  void flush_soon();

 private:
  enum class Phase : std::uint8_t { opening, head, exchange, lingering, closed };

  // What the client owes us; each has its own time.
  enum class Owed : std::uint8_t { nothing, handshake, request, rest_of_head, body, goodbye };

  // The exchange in progress.
  struct Current {
    std::uint64_t id = 0;
    bool head_sent = false;
    bool finished = false;
    bool gone = false;
    bool continue_due = false;  // the client waits for 100 Continue
    // Its body: bytes that came, and for how long they were waited for.
    std::uint64_t received = 0;
    Loop::Time::duration waited{};
    // When a client that stopped sending is asked next whether it is there, and how long after
    // that.
    Loop::Time ask_at = Loop::Time::max();
    Loop::Time::duration ask_wait{};
    ResponseContext context;
    Framing framing;
    std::uint64_t sent = 0;
    std::function<void(Result<Buffer>)> got;
    std::deque<std::function<void(Result<>)>> waiting;  // for room
    std::function<void()> on_gone;
  };

  void on_ready(Io result) override;
  void on_read(Io result, std::size_t bytes) override;
  void on_written(Io result, std::size_t bytes) override;

  bool is_current(std::uint64_t id) const { return phase_ == Phase::exchange && id == current_.id; }
  // Does all that can be done now, then writes and reads. Safe to call from within itself.
  void advance();
  void step();
  void step_head();
  void step_exchange();
  void deliver_body();
  void deliver_room();
  void begin_exchange();
  void end_exchange();
  void client_gone();
  void look_for_client(Loop::Time now);
  void fail_exchange(const Error& error);
  void refuse(Refusal refusal);
  bool flush();
  void write_more();
  void all_written();
  void start_read();
  void make_room();
  void set_read_deadline();
  Loop::Time::duration body_patience() const;
  void read_timeout();
  void shut(Transport::Close how);
  std::string_view unread() const { return {in_.data() + begin_, end_ - begin_}; }
  bool has_room() const;

  Parts parts_;
  RequestParser parser_;
  Phase phase_ = Phase::opening;
  Current current_;
  std::uint64_t next_id_ = 1;
  bool first_request_ = true;

  std::vector<char> in_;  // [begin_, end_) is unread; the socket reads into what follows
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool reading_ = false;
  bool input_over_ = false;  // the client will send no more

  std::string pending_;  // response bytes not yet given to the socket
  std::string writing_;  // given to it, the first written_ bytes are out
  std::size_t written_ = 0;
  bool write_in_progress_ = false;
  bool linger_ = false;  // lingering: wait for the client's end after our last byte

  bool advancing_ = false;
  bool again_ = false;
  bool flush_later_ = false;  // set by flush_soon until it runs
  Owed owed_ = Owed::nothing;
  Loop::Time owed_since_;
  Loop::Time read_deadline_ = Loop::Time::max();
  Loop::Time write_deadline_ = Loop::Time::max();
};

}  // namespace quern::http
