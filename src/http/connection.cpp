#include "http/connection.hpp"

#include "base/log.hpp"
#include "http/exchange.hpp"

#include <exception>

namespace quern::http {
namespace {

constexpr std::size_t kBodyChunk = 64 * 1024;  // most that a handler gets at once
constexpr std::size_t kHighWater = 64 * 1024;  // response bytes waiting before back-pressure
// Until a client that stopped sending is asked whether it is there; then twice as long each time.
constexpr auto kFirstAsk = std::chrono::milliseconds(500);

Error error_of(const Refusal& refusal) {
  ErrorKind kind = ErrorKind::corrupt_data;
  if (refusal.status == 408) kind = ErrorKind::deadline_exceeded;
  if (refusal.status == 413) kind = ErrorKind::resource_exhausted;
  if (refusal.status >= 500) kind = ErrorKind::internal;
  return {kind, std::string(refusal.why)};
}

Error client_is_gone() { return {ErrorKind::unavailable, "the client is gone"}; }

RequestParser::Limits limits_of(const ServerOptions& options) {
  return {.header = options.max_header.count, .body = options.max_body.count};
}

}  // namespace

Connection::Connection(Parts parts)
    : parts_(std::move(parts)), parser_(limits_of(parts_.state->options)) {}

Connection::~Connection() = default;

void Connection::start() {
  set_read_deadline();
  parts_.transport->start(shared_from_this());
}

void Connection::on_ready(Io result) {
  if (phase_ == Phase::closed) return;
  if (result != Io::ok) return close();
  phase_ = Phase::head;
  if (parts_.refused) refuse({503, "too many connections"});
  advance();
}

void Connection::advance() {
  if (phase_ == Phase::closed) return;
  if (advancing_) {
    again_ = true;
    return;
  }
  const auto self = shared_from_this();
  bool unblocked = true;
  while (unblocked) {
    advancing_ = true;
    do {
      again_ = false;
      step();
    } while (again_);
    advancing_ = false;
    unblocked = !flush_later_ && flush() && (!current_.waiting.empty() || begin_ < end_);
  }
  if (phase_ == Phase::closed) return;
  start_read();
  set_read_deadline();
}

void Connection::step() {
  if (phase_ == Phase::head) step_head();
  if (phase_ == Phase::exchange) step_exchange();
}

void Connection::step_head() {
  if (!has_room()) return;  // pipelined requests wait until the responses before them are read
  if (begin_ < end_) {
    begin_ += parser_.read_head(unread());
    if (parser_.state() == RequestParser::State::refused) return refuse(parser_.refusal());
    if (parser_.state() != RequestParser::State::head) return begin_exchange();
  }
  if (input_over_) {
    phase_ = Phase::lingering;  // what is written already still goes out
    linger_ = false;
  }
}

void Connection::begin_exchange() {
  phase_ = Phase::exchange;
  first_request_ = false;
  const bool has_body = parser_.state() == RequestParser::State::body;
  current_ = Current{.id = next_id_++};
  current_.continue_due = has_body && parser_.expects_continue();
  RequestHead head = parser_.take_head();
  head.peer = parts_.peer;
  head.tls = parts_.tls;
  head.number = log::next_request_id();
  head.id = parts_.state->ids.name(head.number);
  current_.context = {.http_1_1 = parser_.http_1_1(),
                      .is_head = parser_.is_head(),
                      .keep_alive = parser_.keep_alive(),
                      .date = {},
                      .id = head.id};
  auto exchange = std::make_shared<ConnectionExchange>(shared_from_this(), current_.id,
                                                       std::move(head), has_body);
  try {
    parts_.state->handler->handle(std::move(exchange));
  } catch (const std::exception&) {
    // The exchange went with the stack; dropped() has answered 500.
  }
}

void Connection::step_exchange() {
  if (current_.got) deliver_body();
  if (phase_ != Phase::exchange) return;
  deliver_room();
  if (phase_ != Phase::exchange) return;
  if (current_.finished) return end_exchange();
  if (!input_over_) return;
  if (parser_.state() == RequestParser::State::body && begin_ == end_) return client_gone();
  if (current_.ask_wait == Loop::Time::duration{}) {
    current_.ask_wait = kFirstAsk;
    current_.ask_at = std::chrono::steady_clock::now() + kFirstAsk;
  }
}

// The whole request is here and the client sends no more: it waits for the answer (RFC 9112, 9.6),
// or it is gone. Only sending shows which: a socket that nobody holds any more answers by a reset.
// An interim response may come before any final one, which clients must bear (RFC 9110, 15.2).
void Connection::look_for_client(Loop::Time now) {
  if (parts_.transport->broken()) return close();
  if (now < current_.ask_at) return;
  current_.ask_wait *= 2;
  current_.ask_at = now + current_.ask_wait;
  if (current_.head_sent || !current_.context.http_1_1) return;  // the answer's own bytes will show
  pending_.append("HTTP/1.1 102 Processing\r\n\r\n");
  advance();
}

void Connection::deliver_body() {
  Result<Buffer> answer = Buffer{};
  if (parser_.state() == RequestParser::State::body) {
    if (current_.continue_due && !current_.head_sent) {
      if (begin_ == end_) pending_.append("HTTP/1.1 100 Continue\r\n\r\n");
      current_.continue_due = false;
    }
    begin_ += parser_.read_body(unread(), *answer, kBodyChunk);
    if (parser_.state() == RequestParser::State::refused) return refuse(parser_.refusal());
    if (answer->empty() && parser_.state() == RequestParser::State::body) {
      if (!input_over_) return;  // later
      client_gone();
      if (!current_.got) return;  // closed, and told by that
      answer = fail(ErrorKind::unavailable, "the client broke off in its request");
    }
  }
  if (owed_ == Owed::body) current_.waited += std::chrono::steady_clock::now() - owed_since_;
  if (answer.ok()) current_.received += answer->size();
  owed_ = Owed::nothing;
  again_ = true;
  const auto got = std::exchange(current_.got, nullptr);
  got(std::move(answer));
}

bool Connection::has_room() const {
  return pending_.size() + writing_.size() - written_ < kHighWater;
}

void Connection::deliver_room() {
  while (phase_ == Phase::exchange && !current_.waiting.empty() && has_room()) {
    const auto sent = std::move(current_.waiting.front());
    current_.waiting.pop_front();
    if (sent) sent({});
  }
}

void Connection::end_exchange() {
  // A small rest of the request that is here already is not worth a new connection.
  if (parser_.state() == RequestParser::State::body && !current_.continue_due) {
    Buffer unwanted;
    begin_ += parser_.read_body(unread(), unwanted, kBodyChunk);
  }
  const bool request_read = parser_.state() == RequestParser::State::complete;
  const bool keep = current_.framing.keep_alive && request_read && !parts_.state->draining;
  Current over = std::exchange(current_, Current{});
  parser_.reset();
  owed_ = Owed::nothing;
  phase_ = keep ? Phase::head : Phase::lingering;
  // Closing a socket with unread bytes in it resets the connection, and the reset may overtake
  // the response. TLS also has its goodbye to say.
  linger_ = !keep && (!request_read || begin_ < end_ || parts_.tls);
  again_ = true;
  for (const auto& sent : over.waiting) {
    if (sent) sent({});
  }
  if (over.got) over.got(fail(ErrorKind::cancelled, "the exchange is finished"));
}

void Connection::client_gone() {
  if (current_.gone) return;
  current_.gone = true;
  if (const auto gone = std::exchange(current_.on_gone, nullptr)) gone();
}

// The caller has left Phase::exchange: calls of these callbacks find the exchange over.
void Connection::fail_exchange(const Error& error) {
  const Current failed = std::exchange(current_, Current{});
  if (failed.got) failed.got(fail(error));
  for (const auto& sent : failed.waiting) {
    if (sent) sent(fail(error));
  }
  if (failed.on_gone && !failed.finished) failed.on_gone();
}

// Answers instead of the handler. Too late once a head is out: then only the end can be shown.
void Connection::refuse(Refusal refusal) {
  if (phase_ == Phase::exchange && current_.head_sent) return close();
  // No handler has seen this request, or will speak of it.
  if (phase_ != Phase::exchange)
    current_.context = {.id = parts_.state->ids.tell(refusal, parts_.peer)};
  current_.context.date = loop().date();
  pending_ += final_response(refusal.status, refusal.why, current_.context);
  phase_ = Phase::lingering;
  linger_ = true;
  owed_ = Owed::nothing;
  fail_exchange(error_of(refusal));
}

void Connection::close() { shut(Transport::Close::orderly); }

void Connection::shut(Transport::Close how) {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  parts_.transport->close(how);
  loop().remove(this);
  ServerState& state = *parts_.state;
  {
    const std::lock_guard held(state.mutex);
    --(parts_.refused ? state.refused : state.connections);
  }
  state.changed.notify_all();
  fail_exchange(client_is_gone());
}

void Connection::close_if_idle() {
  const bool nothing_here = begin_ == end_ && pending_.empty() && writing_.empty();
  if (phase_ == Phase::opening || (phase_ == Phase::head && nothing_here)) close();
}

}  // namespace quern::http
