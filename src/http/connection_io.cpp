// The connection's bytes: reading ahead, writing out, and the times for both.
#include "http/connection.hpp"

#include <algorithm>
#include <cstring>

namespace quern::http {
namespace {

constexpr std::size_t kSmallBuffer = 4 * 1024;      // holds the head of nearly every request
constexpr std::size_t kBodyBuffer = 64 * 1024;      // one read of an upload
constexpr std::size_t kKeptOutput = 128 * 1024;     // output buffers above this are given back
constexpr auto kGoodbye = std::chrono::seconds(2);  // for a client to read our last words

}  // namespace

void Connection::on_read(Io result, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (result == Io::broken) return close();
  if (result == Io::end) {
    input_over_ = true;
    if (phase_ == Phase::lingering && pending_.empty() && !write_in_progress_) return close();
  } else {
    end_ += bytes;
  }
  advance();
}

// Makes `in_` ready for a read: free bytes behind end_, more of them where more are expected.
void Connection::make_room() {
  if (begin_ == end_ || phase_ == Phase::lingering) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && end_ == in_.size()) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // A head or a chunk's line must fit as a whole, and one byte more to show that it is too long.
  const std::size_t longest = parts_.state->options.max_header.count + 1024;
  std::size_t wanted = std::max(in_.size(), kSmallBuffer);
  if (phase_ == Phase::exchange && current_.got) {
    wanted = std::max(kBodyBuffer, longest);
  } else if (phase_ == Phase::head && end_ == in_.size() && !in_.empty()) {
    wanted = std::max(wanted, std::min(2 * in_.size(), longest));
  } else if (end_ == 0 && in_.size() > 4 * kSmallBuffer) {
    in_ = {};  // an idle connection keeps little
    wanted = kSmallBuffer;
  }
  if (wanted > in_.size()) in_.resize(wanted);
}

void Connection::start_read() {
  if (reading_ || input_over_ || phase_ == Phase::opening || phase_ == Phase::closed) return;
  make_room();
  if (end_ == in_.size()) return;
  reading_ = true;
  parts_.transport->read(shared_from_this(), {in_.data() + end_, in_.size() - end_});
}

// Returns true when everything that waited is out: whoever waited for room can go on.
bool Connection::flush() {
  if (write_in_progress_ || phase_ == Phase::closed) return false;
  if (pending_.empty()) {
    all_written();
    return false;
  }
  Io result = Io::ok;
  const std::size_t out = parts_.transport->write_now(pending_, result);
  if (result != Io::ok) {
    close();
    return false;
  }
  if (out < pending_.size()) {
    std::swap(pending_, writing_);
    written_ = out;
    write_more();
    return false;
  }
  pending_.clear();
  if (pending_.capacity() > kKeptOutput) pending_.shrink_to_fit();
  all_written();
  return phase_ != Phase::closed;
}

void Connection::write_more() {
  write_in_progress_ = true;
  write_deadline_ = std::chrono::steady_clock::now() + parts_.state->options.write_timeout;
  parts_.transport->write(shared_from_this(), std::string_view(writing_).substr(written_));
}

void Connection::on_written(Io result, std::size_t bytes) {
  write_in_progress_ = false;
  if (phase_ == Phase::closed) return;
  if (result != Io::ok) return close();
  written_ += bytes;
  if (written_ < writing_.size()) return write_more();
  writing_.clear();
  if (writing_.capacity() > kKeptOutput) writing_.shrink_to_fit();
  written_ = 0;
  advance();
}

void Connection::all_written() {
  if (phase_ != Phase::lingering || owed_ == Owed::goodbye) return;
  if (!linger_ || input_over_) return close();
  parts_.transport->shut_write();
  owed_ = Owed::goodbye;
  read_deadline_ = std::chrono::steady_clock::now() + kGoodbye;
}

void Connection::flush_soon() {
  if (advancing_ || flush_later_ || phase_ == Phase::closed) return;
  flush_later_ = true;
  loop().later([self = shared_from_this()] {
    self->flush_later_ = false;
    self->advance();
  });
}

void Connection::set_read_deadline() {
  Owed owed = Owed::nothing;
  if (phase_ == Phase::opening) owed = Owed::handshake;
  if (phase_ == Phase::head) owed = begin_ < end_ ? Owed::rest_of_head : Owed::request;
  if (phase_ == Phase::exchange && current_.got) owed = Owed::body;
  if (phase_ == Phase::lingering) return;  // all_written() sets it
  if (owed == owed_ && owed != Owed::nothing) return;
  owed_ = owed;
  const ServerOptions& options = parts_.state->options;
  const auto now = std::chrono::steady_clock::now();
  owed_since_ = now;
  switch (owed) {
    case Owed::handshake:
    case Owed::rest_of_head: read_deadline_ = now + options.header_timeout; break;
    case Owed::request:
      read_deadline_ = now + (first_request_ ? options.header_timeout : options.idle_timeout);
      break;
    case Owed::body: read_deadline_ = now + body_patience(); break;
    case Owed::nothing:
    case Owed::goodbye: read_deadline_ = Loop::Time::max(); break;
  }
}

// A total over the whole body, or one byte now and then would win any time.
Loop::Time::duration Connection::body_patience() const {
  using Duration = Loop::Time::duration;
  const ServerOptions& options = parts_.state->options;
  if (options.body_rate.count == 0) return options.body_timeout;
  const std::chrono::milliseconds earned(
      static_cast<std::int64_t>(current_.received * 1000 / options.body_rate.count));
  return std::min<Duration>(options.body_timeout, options.body_grace + earned - current_.waited);
}

void Connection::tick(Loop::Time now) {
  if (phase_ == Phase::exchange && input_over_ && !current_.gone) look_for_client(now);
  if (phase_ == Phase::closed) return;
  if (write_in_progress_ && now >= write_deadline_) return shut(Transport::Close::reset);
  // Pipelined requests wait for the client to read: that is the write's time, not the head's.
  if (now >= read_deadline_ && !(phase_ == Phase::head && write_in_progress_)) read_timeout();
}

void Connection::read_timeout() {
  switch (owed_) {
    case Owed::rest_of_head: refuse({408, "the request took too long"}); break;
    case Owed::body: refuse({408, "the request's body took too long"}); break;
    case Owed::nothing: return;
    case Owed::handshake:
    case Owed::request:
    case Owed::goodbye: return close();
  }
  advance();
}

}  // namespace quern::http
