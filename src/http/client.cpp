// The client: one request at a time and thread, the caller's; a download has a connection of its
// own, what is sent may use one that is kept.
#include "base/text.hpp"
#include "http/http.hpp"
#include "http/idle_wires.hpp"
#include "http/no_sigpipe.hpp"
#include "http/proxy.hpp"
#include "http/resolver.hpp"
#include "http/response_parser.hpp"
#include "http/trust.hpp"
#include "http/url.hpp"
#include "http/wire.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>

namespace quern::http {
namespace {

Failure refused_by_status(std::uint16_t status) {
  ErrorKind kind = ErrorKind::invalid_argument;
  if (status == 404 || status == 410) kind = ErrorKind::not_found;
  if (status == 401 || status == 403 || status == 407) kind = ErrorKind::permission_denied;
  if (status == 408 || status == 429 || status >= 500) kind = ErrorKind::unavailable;
  return fail(kind, "the server answered " + std::to_string(status));
}

bool is_redirect(std::uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// "bytes 100-199/1000": where the body begins, and the whole size where it is known.
Result<> read_range(std::string_view range, FetchHead& head) {
  const auto bad = [&] {
    return fail(ErrorKind::corrupt_data,
                "a malformed Content-Range: " + std::string(range.substr(0, 80)));
  };
  const std::size_t dash = range.find('-');
  const std::size_t slash = range.find('/');
  if (!range.starts_with("bytes ") || dash == std::string_view::npos || slash < dash) return bad();
  auto begin = parse_number<std::uint64_t>(trim(range.substr(6, dash - 6)));
  if (!begin.ok() || slash == std::string_view::npos) return bad();
  head.offset = *begin;
  head.total.reset();
  const std::string_view total = trim(range.substr(slash + 1));
  if (total == "*") return {};
  auto size = parse_number<std::uint64_t>(total);
  if (!size.ok()) return bad();
  head.total = *size;
  return {};
}

Result<FetchHead> fetch_head(const ResponseHead& response, const Url& url, std::uint64_t offset) {
  FetchHead head{.status = response.status,
                 .total = response.content_length,
                 .offset = 0,
                 .url = url.to_string(),
                 .content_type = response.content_type};
  if (response.status != 206) return head;
  TRY(read_range(response.content_range, head));
  if (head.offset != offset) {
    return fail(ErrorKind::corrupt_data, "the server sent another part than was asked for");
  }
  return head;
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// What goes only to the host it was meant for.
bool is_secret(std::string_view name) {
  return equal_ignoring_case(name, "authorization") || equal_ignoring_case(name, "cookie");
}

bool asks_to_close(const SendRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
    return equal_ignoring_case(header.first, "connection") &&
           equal_ignoring_case(header.second, "close");
  });
}

enum class Origin : std::uint8_t { first, other };

using HeaderList = std::vector<std::pair<std::string, std::string>>;

Result<> check_headers(const HeaderList& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_clean(name) || !is_clean(value)) {
      return fail(ErrorKind::invalid_argument, "a header with a line end in it");
    }
  }
  return {};
}

// The head without the empty line that ends it.
std::string head_text(std::string_view method, const HeaderList& headers, const Url& url,
                      const std::optional<Proxy>& proxy, Origin origin) {
  const bool through_proxy = proxy && !url.tls;
  std::string text(method);
  text += " " + (through_proxy ? url.to_string() : url.target) + " HTTP/1.1\r\n";
  text += "Host: " + url.authority() + "\r\nUser-Agent: quern\r\nAccept-Encoding: identity\r\n";
  if (through_proxy && !proxy->authorization.empty()) {
    text += "Proxy-Authorization: " + proxy->authorization + "\r\n";
  }
  for (const auto& [name, value] : headers) {
    if (origin == Origin::other && is_secret(name)) continue;
    text.append(name).append(": ").append(value).append("\r\n");
  }
  return text;
}

std::string request_text(const FetchRequest& request, const Url& url,
                         const std::optional<Proxy>& proxy, Origin origin) {
  std::string text = head_text("GET", request.headers, url, proxy, origin);
  text += "Connection: close\r\n";
  if (request.offset > 0) text += "Range: bytes=" + std::to_string(request.offset) + "-\r\n";
  return text + "\r\n";
}

enum class After : std::uint8_t { close, keep };

std::string request_text(const SendRequest& request, const Url& url,
                         const std::optional<Proxy>& proxy, Origin origin, After after) {
  std::string text = head_text(request.method, request.headers, url, proxy, origin);
  if (after == After::close && !asks_to_close(request)) text += "Connection: close\r\n";
  const bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (may_have_body) text += "Content-Length: " + std::to_string(request.body_bytes) + "\r\n";
  return text + "\r\n";
}

// What may have to be sent twice is held meanwhile; more than this is sent on a connection of its
// own.
constexpr Bytes kMostRepeated = 16_MiB;

// The next piece of a body of which `before` bytes came already.
Result<Buffer> next_piece(const SendRequest& request, std::uint64_t before) {
  Buffer piece = TRY(request.body());
  if (piece.empty() || before + piece.size() > request.body_bytes)
    return fail(ErrorKind::corrupt_data, "what was to be sent is not as long as it was said");
  return piece;
}

// One that is a single piece is not copied.
Result<Buffer> whole_body(const SendRequest& request) {
  Buffer all;
  if (request.body_bytes > 0) all = TRY(next_piece(request, 0));
  while (all.size() < request.body_bytes) {
    const Buffer piece = TRY(next_piece(request, all.size()));
    all.reserve(request.body_bytes);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

// False: the peer hung up before the end.
using WriteBody = std::function<Result<bool>(Wire&)>;

Result<bool> write_pieces(Wire& wire, const SendRequest& request) {
  for (std::uint64_t sent = 0; sent < request.body_bytes;) {
    const Buffer piece = TRY(next_piece(request, sent));
    sent += piece.size();
    if (!wire.write(as_text(piece)).ok()) return false;
  }
  return true;
}

// Reads from a wire into a parser until the head, then until the end.
class Reading {
 public:
  Reading(Wire& wire, ResponseParser::Body body) : wire_(wire), parser_(body) {}

  Result<ResponseHead> head() {
    while (!parser_.has_head()) TRY(more({}));
    return parser_.head();
  }

  // The peer has said something.
  bool heard() const { return heard_; }
  // The answer is whole, and the peer waits for the next request.
  bool may_be_kept() const {
    return parser_.is_done() && !over_ && held_ == 0 && parser_.keeps_connection();
  }

  Result<> body(const ResponseParser::Sink& sink) {
    TRY(take(sink));
    while (!parser_.is_done() && !over_) TRY(more(sink));
    return {};
  }

 private:
  Result<> more(const ResponseParser::Sink& sink) {
    if (held_ == buffer_.size()) {
      return fail(ErrorKind::corrupt_data, "the answer has an overlong line");
    }
    const std::size_t n = TRY(wire_.read({buffer_.data() + held_, buffer_.size() - held_}));
    held_ += n;
    heard_ = heard_ || n > 0;
    if (n > 0) return take(sink);
    over_ = true;
    if (parser_.end_completes() && !wire_.cut_off()) return {};
    return fail(ErrorKind::unavailable, "the connection ended before the answer did");
  }

  Result<> take(const ResponseParser::Sink& sink) {
    std::size_t used = 0;
    while (used < held_ && !parser_.is_done()) {
      const bool had_head = parser_.has_head();
      const std::string_view rest(buffer_.data() + used, held_ - used);
      const std::size_t n = TRY(parser_.feed(rest, sink));
      used += n;
      if (n == 0 || (parser_.has_head() && !had_head)) break;
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(used),
              buffer_.begin() + static_cast<std::ptrdiff_t>(held_), buffer_.begin());
    held_ -= used;
    return {};
  }

  Wire& wire_;
  ResponseParser parser_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{128} * 1024);
  std::size_t held_ = 0;
  bool heard_ = false;
  bool over_ = false;
};

class HttpClient final : public Network {
 public:
  explicit HttpClient(ClientOptions options)
      : options_(std::move(options)),
        proxies_(ProxySettings::from_environment()),
        idle_({.most = options_.idle_connections, .longest = options_.idle_time}) {}

  Result<> fetch(const FetchRequest& request, std::stop_token stop,
                 std::function<Result<>(const FetchHead&)> head,
                 std::function<Result<>(ByteView)> chunk) override {
    const NoSigpipe guard;
    return follow("GET", request.url, request.headers, [&](const Url& url, Origin origin) {
      return fetch_one(request, url, origin, stop, head, chunk);
    });
  }

  Result<SendAnswer> send(const SendRequest& request, std::stop_token stop) override {
    const NoSigpipe guard;
    SendAnswer answer;
    TRY(follow(request.method, request.url, request.headers, [&](const Url& url, Origin origin) {
      return send_one(request, url, origin, stop, answer);
    }));
    return answer;
  }

 private:
  // Calls `one(url, origin)` until it names no other URL to go to.
  template <class One>
  Result<> follow(const std::string& method, const std::string& address, const HeaderList& headers,
                  One one) {
    TRY(check_headers(headers));
    const Url first = TRY(Url::parse(address));
    Url url = first;
    for (std::uint32_t redirects = 0; redirects <= options_.max_redirects; ++redirects) {
      const Origin origin = url.same_origin(first) ? Origin::first : Origin::other;
      auto next = one(url, origin).context(method + " " + url.to_string());
      const std::optional<Url> target = TRY(std::move(next));
      if (!target) return {};
      url = *target;
    }
    return fail(ErrorKind::unavailable, method + " " + first.to_string() +
                                            ": redirected more than " +
                                            std::to_string(options_.max_redirects) + " times");
  }

  // Where a request goes, and how.
  struct Way {
    const Url& url;
    std::optional<Proxy> proxy;
    Origin origin = Origin::first;
    After after = After::close;

    std::string place() const {
      const std::string through =
          proxy ? proxy->host + ":" + std::to_string(proxy->port) + " " : std::string();
      return through + (url.tls ? "https://" : "http://") + url.authority();
    }
  };

  Result<std::optional<Url>> send_one(const SendRequest& request, const Url& url, Origin origin,
                                      const std::stop_token& stop, SendAnswer& answer) {
    Way way{.url = url, .proxy = TRY(proxies_.choose(url)), .origin = origin};
    if (options_.idle_connections > 0 && !asks_to_close(request)) way.after = After::keep;
    std::optional<Wire> kept;
    if (way.after == After::keep && request.body_bytes <= kMostRepeated.count)
      kept = idle_.take(way.place());
    bool heard = false;
    const auto ask_on = [&](Wire wire, const WriteBody& write_body) {
      return ask(std::move(wire), request, write_body, way, answer, heard);
    };
    if (!kept) {
      return ask_on(TRY(connect(url, way.proxy, stop)),
                    [&](Wire& wire) { return write_pieces(wire, request); });
    }
    const Buffer body = TRY(whole_body(request));
    const WriteBody write_body = [&](Wire& wire) -> Result<bool> {
      return body.empty() || wire.write(as_text(body)).ok();
    };
    kept->set_patience({stop, options_.read_timeout});
    auto next = ask_on(*std::move(kept), write_body);
    // It was closed while nobody looked.
    if (!next.ok() && !heard && next.error().kind() == ErrorKind::unavailable)
      return ask_on(TRY(connect(url, way.proxy, stop)), write_body);
    return next;
  }

  // One request on this connection, which is kept where it may be.
  Result<std::optional<Url>> ask(Wire wire, const SendRequest& request, const WriteBody& write_body,
                                 const Way& way, SendAnswer& answer, bool& heard) {
    const bool is_head = request.method == "HEAD";
    TRY(wire.write(request_text(request, way.url, way.proxy, way.origin, way.after)));
    const bool written = TRY(write_body(wire));
    Reading reading(wire, is_head ? ResponseParser::Body::none : ResponseParser::Body::expected);
    auto head = reading.head();
    heard = reading.heard();
    // A server that does not want the body says why and hangs up; that tells more than the hanging
    // up.
    if (!head.ok() && !written) {
      return fail(ErrorKind::unavailable, "the server hung up while it was sent to");
    }
    if (!head.ok()) return fail(std::move(head).error());
    const bool may_move = is_head || request.method == "GET";
    if (may_move && is_redirect(head->status) && !head->location.empty()) {
      return std::optional<Url>(TRY(redirected(way.url, head->location)));
    }
    answer = {.status = head->status,
              .url = way.url.to_string(),
              .location = head->location,
              .content_type = head->content_type,
              .authenticate = head->authenticate,
              .retry_after = head->retry_after,
              .body = {}};
    if (is_head) return std::optional<Url>();
    TRY(reading.body([&](ByteView bytes) -> Result<> {
      if (answer.body.size() + bytes.size() > request.largest_answer.count) {
        return fail(ErrorKind::resource_exhausted,
                    "the answer has more than " + to_string(request.largest_answer));
      }
      answer.body += as_text(bytes);
      return {};
    }));
    if (way.after == After::keep && written && reading.may_be_kept())
      idle_.put(way.place(), std::move(wire));
    return std::optional<Url>();
  }

  // One request without redirects; the URL of the next one where the answer is a redirect.
  Result<std::optional<Url>> fetch_one(const FetchRequest& request, const Url& url, Origin origin,
                                       const std::stop_token& stop,
                                       const std::function<Result<>(const FetchHead&)>& head,
                                       const std::function<Result<>(ByteView)>& chunk) {
    const std::optional<Proxy> proxy = TRY(proxies_.choose(url));
    Wire wire = TRY(connect(url, proxy, stop));
    TRY(wire.write(request_text(request, url, proxy, origin)));
    Reading reading(wire, ResponseParser::Body::expected);
    const ResponseHead response = TRY(reading.head());
    if (is_redirect(response.status) && !response.location.empty()) {
      return std::optional<Url>(TRY(redirected(url, response.location)));
    }
    if (response.status < 200 || response.status >= 300) return refused_by_status(response.status);
    const FetchHead told = TRY(fetch_head(response, url, request.offset));
    TRY(head(told));
    TRY(reading.body(chunk));
    return std::optional<Url>();
  }

  static Result<Url> redirected(const Url& from, std::string_view location) {
    Url to = TRY(from.resolve(location).context("redirected"));
    if (from.tls && !to.tls) {
      return fail(ErrorKind::permission_denied,
                  "redirected from https to http, which is not followed: " + to.to_string());
    }
    return to;
  }

  Result<Wire> connect(const Url& url, const std::optional<Proxy>& proxy,
                       const std::stop_token& stop) {
    const Deadline deadline = Deadline::in(options_.connect_timeout);
    const std::string& host = proxy ? proxy->host : url.host;
    const std::uint16_t port = proxy ? proxy->port : url.port;
    const auto addresses = TRY(resolver_.lookup(host, port, deadline, stop));
    Wire wire = TRY(Wire::connect(addresses, deadline, {stop, options_.read_timeout})
                        .context(proxy ? "the proxy " + host : host));
    if (!url.tls) return wire;
    if (proxy) TRY(open_tunnel(wire, url, *proxy));
    SSL_CTX* const roots = TRY(trust());
    TRY(wire.secure(roots, url.host, deadline));
    return wire;
  }

  static Result<> open_tunnel(Wire& wire, const Url& url, const Proxy& proxy) {
    std::string text = "CONNECT " + url.host_and_port() + " HTTP/1.1\r\n";
    text += "Host: " + url.host_and_port() + "\r\nUser-Agent: quern\r\n";
    if (!proxy.authorization.empty())
      text += "Proxy-Authorization: " + proxy.authorization + "\r\n";
    TRY(wire.write(text + "\r\n"));
    Reading reading(wire, ResponseParser::Body::none);
    const ResponseHead answer = TRY(reading.head().context("the proxy " + proxy.host));
    if (answer.status / 100 == 2) return {};
    Error error = refused_by_status(answer.status).value();
    return fail(std::move(error).wrap("the proxy " + proxy.host + " does not open the way"));
  }

  // Made at the first https fetch: reading the roots takes some milliseconds.
  Result<SSL_CTX*> trust() {
    const std::lock_guard held(mutex_);
    if (!trust_) trust_ = TRY(make_trust(options_.ca_file));
    return trust_.get();
  }

  const ClientOptions options_;
  const ProxySettings proxies_;
  Resolver resolver_;
  IdleWires idle_;
  std::mutex mutex_;  // guards trust_
  SslContext trust_;
};

}  // namespace

std::unique_ptr<Network> make_client(ClientOptions options) {
  return std::make_unique<HttpClient>(std::move(options));
}

}  // namespace quern::http
