#include "http/exchange.hpp"

#include <utility>

namespace quern::http {
namespace {

Error server_is_gone() { return {ErrorKind::unavailable, "the server has shut down"}; }

}  // namespace

// Runs `call(connection)` on the connection's thread: here and now where this is that thread.
// False: never, the server is gone.
template <class Call>
static bool on_its_thread(const std::shared_ptr<Connection>& connection, Call call) {
  Loop& loop = connection->loop();
  if (loop.on_thread()) {
    connection->flush_soon();
    call(*connection);
    return true;
  }
  return loop.post([connection, call = std::move(call)]() mutable {
    connection->flush_soon();
    call(*connection);
  });
}

ConnectionExchange::ConnectionExchange(std::shared_ptr<Connection> connection, std::uint64_t id,
                                       RequestHead head, bool has_body)
    : connection_(std::move(connection)), id_(id), head_(std::move(head)), has_body_(has_body) {}

ConnectionExchange::~ConnectionExchange() {
  if (over_) return;
  on_its_thread(connection_, [id = id_](Connection& c) { c.dropped(id); });
}

void ConnectionExchange::read_body(std::function<void(Result<Buffer>)> got) {
  if (!on_its_thread(connection_, [id = id_, got](Connection& c) { c.read_body(id, got); })) {
    got(fail(server_is_gone()));
  }
}

void ConnectionExchange::send_head(std::uint16_t status, Headers headers) {
  on_its_thread(connection_, [id = id_, status, headers = std::move(headers)](Connection& c) {
    c.send_head(id, status, headers);
  });
}

void ConnectionExchange::send_body(Buffer chunk, std::function<void(Result<>)> sent) {
  const bool runs = on_its_thread(
      connection_,
      [id = id_, chunk = std::move(chunk), sent](Connection& c) { c.send_body(id, chunk, sent); });
  if (!runs && sent) sent(fail(server_is_gone()));
}

void ConnectionExchange::finish() {
  over_ = true;
  on_its_thread(connection_, [id = id_](Connection& c) { c.finish(id); });
}

void ConnectionExchange::abort() {
  over_ = true;
  on_its_thread(connection_, [id = id_](Connection& c) { c.abort(id); });
}

void ConnectionExchange::on_gone(std::function<void()> gone) {
  if (over_) return;
  if (!on_its_thread(connection_, [id = id_, gone](Connection& c) { c.on_gone(id, gone); })) gone();
}

void Exchange::respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                       Headers more) {
  if (!content_type.empty()) more.emplace_back("content-type", content_type);
  more.emplace_back("content-length", std::to_string(body.size()));
  send_head(status, std::move(more));
  if (!body.empty()) send_body(to_buffer(body), nullptr);
  finish();
}

// What an exchange asks of its connection.

void Connection::read_body(std::uint64_t id, std::function<void(Result<Buffer>)> got) {
  if (!is_current(id) || current_.finished) {
    return got(fail(ErrorKind::unavailable, "the exchange is over"));
  }
  if (current_.got) {
    return got(fail(ErrorKind::invalid_argument, "the last chunk asked for has not come yet"));
  }
  current_.got = std::move(got);
  advance();
}

void Connection::send_head(std::uint64_t id, std::uint16_t status, const Headers& headers) {
  if (!is_current(id) || current_.head_sent) return;
  ResponseContext& context = current_.context;
  context.date = loop().date();
  // A client that still waits for 100 Continue may or may not send its body after this.
  if (current_.continue_due || parts_.state->draining) context.keep_alive = false;
  const auto framing = append_head(pending_, status, headers, context);
  if (framing) {
    current_.framing = *framing;
    current_.head_sent = true;
  } else {
    refuse({500, "the response has a malformed head"});
  }
  advance();
}

void Connection::send_body(std::uint64_t id, ByteView chunk, std::function<void(Result<>)> sent) {
  const auto refuse_chunk = [&](ErrorKind kind, std::string why) {
    if (sent) sent(fail(kind, std::move(why)));
  };
  if (!is_current(id) || current_.finished) {
    return refuse_chunk(ErrorKind::unavailable, "the exchange is over");
  }
  if (!current_.head_sent) {
    return refuse_chunk(ErrorKind::invalid_argument, "a body before its head");
  }
  const Framing& framing = current_.framing;
  current_.sent += chunk.size();
  if (framing.body_allowed && framing.length && current_.sent > *framing.length) {
    abort(id);
    return refuse_chunk(ErrorKind::invalid_argument, "more body than content-length says");
  }
  if (framing.body_allowed && framing.chunked) {
    append_chunk(pending_, as_text(chunk));
  } else if (framing.body_allowed) {
    pending_.append(as_text(chunk));
  }
  if (sent) current_.waiting.push_back(std::move(sent));
  advance();
}

void Connection::finish(std::uint64_t id) {
  if (!is_current(id) || current_.finished) return;
  if (!current_.head_sent) return dropped(id);
  const Framing& framing = current_.framing;
  if (framing.body_allowed && framing.length && current_.sent != *framing.length) return abort(id);
  if (framing.body_allowed && framing.chunked) pending_.append("0\r\n\r\n");
  current_.finished = true;
  advance();
}

void Connection::abort(std::uint64_t id) {
  if (!is_current(id)) return;
  if (!write_in_progress_ && !pending_.empty()) {
    Io ignored = Io::ok;
    parts_.transport->write_now(pending_, ignored);
  }
  // Where the end of the connection is the end of the body, only a reset shows the difference.
  const bool until_close =
      current_.head_sent && !current_.framing.chunked && !current_.framing.length;
  current_.on_gone = nullptr;
  shut(until_close ? Transport::Close::reset : Transport::Close::orderly);
}

void Connection::on_gone(std::uint64_t id, std::function<void()> gone) {
  if (!is_current(id) || current_.gone) return gone();
  current_.on_gone = std::move(gone);
}

void Connection::dropped(std::uint64_t id) {
  if (!is_current(id) || current_.finished) return;
  // Nobody is there to be told, and a 500 would blame the handler in a proxy's log.
  if (current_.head_sent || current_.gone) return abort(id);
  refuse({500, "the request was not answered"});
  advance();
}

}  // namespace quern::http
