#include "apphost/app_request.hpp"

#include "apphost/refusal.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace quern::apphost {
namespace {

constexpr std::size_t kLoggedPath = 200;
constexpr std::string_view kRequestId = "x-request-id";

// Fields about the connection, not the request (RFC 9110, 7.6.1), and what HttpRequest has as a
// member of its own.
bool stays_here(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {
      "connection", "keep-alive", "proxy-authorization", "proxy-connection",
      "te",         "trailer",    "transfer-encoding",   "upgrade",
      "expect",     "host"};
  return name == kRequestId || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

wasm::HttpRequest to_guest(const http::RequestHead& head, bool has_body, const RequestInfo& info) {
  wasm::HttpRequest request{.method = head.method,
                            .scheme = head.tls ? "https" : "http",
                            .authority = head.authority,
                            .target = head.target,
                            .headers = {},
                            .has_body = has_body};
  for (const auto& [name, value] : head.headers) {
    if (name == "authorization" && info.hide_authorization) continue;
    if (!stays_here(name)) request.headers.emplace_back(name, value);
  }
  request.headers.emplace_back(kRequestId, info.id);
  return request;
}

bool says_events(const wasm::HttpHeaders& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const auto& header) {
    return equal_ignoring_case(header.first, "content-type") &&
           header.second.rfind("text/event-stream", 0) == 0;
  });
}

// What content-length says, which http has checked; 0 where the body comes in chunks.
std::uint64_t announced_body(const http::RequestHead& head) {
  const auto found = std::find_if(head.headers.begin(), head.headers.end(), [](const auto& header) {
    return header.first == "content-length";
  });
  if (found == head.headers.end()) return 0;
  const auto length = parse_number<std::uint64_t>(found->second);
  return length.ok() ? *length : 0;
}

}  // namespace

AppRequest::AppRequest(RequestInfo info, std::shared_ptr<http::Exchange> exchange)
    : info_(std::move(info)), exchange_(std::move(exchange)), body_(info_.budget) {}

AppRequest::~AppRequest() {
  if (close(Outcome::failed)) log_failure({ErrorKind::internal, "dropped without an answer"});
}

void AppRequest::start(wasm::Linked& program, wasm::Sandbox sandbox) {
  if (!body_.hold(announced_body(exchange_->request()))) return refuse(too_many_bytes());
  exchange_->on_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->gone();
  });
  const bool has_body = exchange_->has_body();
  std::shared_ptr<wasm::HttpExchange> guest = program.handle(
      std::move(sandbox), to_guest(exchange_->request(), has_body, info_), shared_from_this());
  // The guest may have answered meanwhile, or the client gone: then `guest` ends with this frame.
  const bool runs = guest_.with([&](Guest& held) {
    if (held.over) return false;
    held.exchange = guest;
    return true;
  });
  if (runs && has_body) pump();
}

void AppRequest::pump() {
  exchange_->read_body(
      [self = shared_from_this()](Result<Buffer> chunk) { self->pass_on(std::move(chunk)); });
}

void AppRequest::pass_on(Result<Buffer> chunk) {
  const auto guest = this->guest();
  if (!guest) return;
  if (!chunk.ok()) {  // http has answered already where an answer was possible
    guest->abort_body();
    if (close(Outcome::abandoned)) log_failure(chunk.error());
  } else if (chunk->empty()) {
    guest->end_body();
  } else if (!body_.hold(body_came_ += chunk->size())) {
    guest->abort_body();
    refuse(too_many_bytes());
  } else {
    guest->push_body(*std::move(chunk), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }
}

void AppRequest::head(std::uint16_t status, wasm::HttpHeaders headers) {
  const Head sent = says_events(headers) ? Head::events : Head::sent;
  const bool over = guest_.with([&](Guest& held) {
    held.head = sent;
    return held.over;
  });
  if (over) return;
  std::erase_if(headers,
                [](const auto& header) { return equal_ignoring_case(header.first, kRequestId); });
  headers.emplace_back(kRequestId, info_.id);
  exchange_->send_head(status, std::move(headers));
}

void AppRequest::body(Buffer chunk, std::function<void()> taken) {
  if (over()) return;
  exchange_->send_body(std::move(chunk),
                       [weak = weak_from_this(), taken = std::move(taken)](const Result<>& sent) {
                         if (sent.ok()) return taken();
                         if (const auto self = weak.lock()) self->gone();
                       });
}

void AppRequest::end() {
  if (close(Outcome::answered)) exchange_->finish();
}

void AppRequest::fail(Error error) {
  const Head head = head_of_answer();
  if (!close(Outcome::failed)) return;
  log_failure(error);
  answer_from(head, guest_failed(error, info_.id));
}

void AppRequest::refuse(const Refusal& refusal) {
  const Head head = head_of_answer();
  if (!close(Outcome::refused)) return;
  log_failure(
      {ErrorKind::permission_denied, std::to_string(refusal.status) + " " + refusal.message});
  answer_from(head, refusal);
}

void AppRequest::gone() { close(Outcome::abandoned); }

void AppRequest::answer_from(Head head, const Refusal& refusal) {
  // The guest may have stopped within an event; the empty line ends that one.
  if (head == Head::events) {
    exchange_->send_body(to_buffer("\n\ndata: " + body_of(refusal) + "\n\n"), nullptr);
  }
  if (head != Head::none) return exchange_->abort();
  http::Headers headers = refusal.headers;
  headers.emplace_back(kRequestId, info_.id);
  exchange_->respond(refusal.status, "application/json", body_of(refusal), std::move(headers));
}

std::shared_ptr<wasm::HttpExchange> AppRequest::guest() const {
  return guest_.with([](const Guest& held) { return held.exchange; });
}

AppRequest::Head AppRequest::head_of_answer() const {
  return guest_.with([](const Guest& held) { return held.head; });
}

bool AppRequest::over() const {
  return guest_.with([](const Guest& held) { return held.over; });
}

bool AppRequest::close(Outcome outcome) {
  std::shared_ptr<wasm::HttpExchange> guest;  // ends after the lock
  const bool first = guest_.with([&](Guest& held) {
    guest = std::move(held.exchange);
    return !std::exchange(held.over, true);
  });
  // Once, and given up: it holds the app, whose program may hold this.
  if (first) std::exchange(info_.over, nullptr)(outcome);
  return first;
}

// Without the query, which may hold what its sender meant for the guest alone.
void AppRequest::log_failure(const Error& error) const {
  const http::RequestHead& head = exchange_->request();
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began_);
  log::warn("apphost",
            "[req " + std::to_string(info_.number) + "] " + info_.app + ": " + head.method + " " +
                std::string(path.substr(0, kLoggedPath)) + " from " + head.peer + " (" + info_.id +
                ") failed after " + std::to_string(time.count()) +
                " ms: " + std::string(to_string(error.kind())) + ": " + error.describe());
}

}  // namespace quern::apphost
