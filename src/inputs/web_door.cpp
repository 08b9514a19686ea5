#include "inputs/web_door.hpp"

#include "base/process.hpp"
#include "base/text.hpp"
#include "base/unpack.hpp"

#include "inputs/until_stopped.hpp"

#include <utility>

namespace quern::inputs {
namespace {

// Requests that a worker takes before it syncs for all of them.
constexpr std::size_t kTogether = 32;
constexpr std::chrono::seconds kDrain(5);

std::string_view header(const http::RequestHead& head, std::string_view name) {
  for (const auto& [key, value] : head.headers) {
    if (key == name) return value;
  }
  return {};
}

std::uint16_t status_for(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::invalid_argument:
    case ErrorKind::corrupt_data: return 400;
    case ErrorKind::resource_exhausted: return 413;
    case ErrorKind::unsupported: return 415;
    case ErrorKind::unavailable: return 429;
    default: return 503;
  }
}

}  // namespace

struct WebDoor::Job {
  Job(std::shared_ptr<http::Exchange> from, std::shared_ptr<ByteBudget> budget)
      : exchange(std::move(from)),
        request{.head = exchange->request(), .body = {}},
        share(std::move(budget)) {}
  std::shared_ptr<http::Exchange> exchange;
  WebRequest request;
  ByteBudget::Share share;
};

Result<WebOptions> read_web_options(Settings& settings, const logs::StageWorld& world,
                                    std::uint16_t port) {
  WebOptions options;
  options.listening = TRY(read_listening(settings, world, port));
  options.max_body = TRY(settings.bytes_or("max_body", options.max_body));
  options.max_unpacked = TRY(settings.bytes_or("max_unpacked", options.max_unpacked));
  options.max_held = TRY(settings.bytes_or("max_held", options.max_held));
  if (options.max_held.count < options.max_body.count + options.max_unpacked.count) {
    return settings.wrong("max_held", "must be at least max_body and max_unpacked together: " +
                                          to_string(options.max_held) + " is too little");
  }
  options.max_waiting = static_cast<std::uint32_t>(
      TRY(settings.number_or("max_waiting", options.max_waiting, {.least = 1, .most = 65'536})));
  options.workers = static_cast<std::uint32_t>(
      TRY(settings.number_or("workers", options.workers, {.least = 1, .most = 64})));
  options.token = TRY(read_secret(settings, "token", world));
  return options;
}

Result<> WebRoom::take(std::uint64_t bytes) {
  taken_ += bytes;
  if (share_.hold(body_ + taken_)) return {};
  if (share_.never_fits(body_ + taken_))
    return fail(ErrorKind::resource_exhausted,
                "what is in this request needs more than max_held allows");
  return fail(ErrorKind::unavailable, "too much is being sent at a time");
}

WebDoor::WebDoor(const WebOptions& options, const WebTaker& taker, logs::Sink& sink,
                 WebCounts& counts)
    : options_(options),
      taker_(taker),
      sink_(sink),
      counts_(counts),
      budget_(std::make_shared<ByteBudget>(options.max_held)),
      waiting_({.items = options.max_waiting}) {}
WebDoor::~WebDoor() = default;

Result<> WebDoor::run(const std::stop_token& stop, const std::function<void(std::uint16_t)>& port) {
  const Listening& where = options_.listening;
  std::vector<std::jthread> workers;
  const auto server = TRY(http::Server::listen({.host = where.host,
                                                .port = where.port,
                                                .max_connections = where.max_connections,
                                                .max_body = options_.max_body,
                                                .tls = where.tls},
                                               *this));
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    workers.emplace_back([this](const std::stop_token& end) { work(end); });
  }
  port(server->port());
  wait_for(stop);
  // What waits is still answered; what a worker gives now the sink may refuse.
  waiting_.close();
  for (std::jthread& worker : workers) worker.request_stop();
  workers.clear();
  server->drain(Deadline::in(kDrain));
  return {};
}

// On the server's threads, which may not wait.
void WebDoor::handle(std::shared_ptr<http::Exchange> exchange) {
  ++counts_.requests;
  const auto job = std::make_shared<Job>(std::move(exchange), budget_);
  const http::RequestHead& head = job->request.head;
  if (const std::uint16_t status = taker_.status_of(head); status != 0)
    return refuse(*job, status, status == 405 ? "only POST is taken here" : "nothing is here");
  const std::string_view said = header(head, "authorization");
  if (options_.token &&
      (!said.starts_with("Bearer ") || !same_secret(said.substr(7), *options_.token)))
    return refuse(*job, 401, "the token is missing or wrong");
  gather(job);
}

void WebDoor::gather(const std::shared_ptr<Job>& job) {
  job->exchange->read_body([this, job](Result<Buffer> chunk) {
    if (!chunk.ok()) {  // http has answered where an answer was possible
      ++counts_.refused;
      return;
    }
    Buffer& body = job->request.body;
    if (!chunk->empty()) {
      if (!job->share.hold(body.size() + chunk->size()))
        return refuse(*job, 429, "too much is being sent at a time");
      body.insert(body.end(), chunk->begin(), chunk->end());
      return gather(job);
    }
    if (!waiting_.try_push(job).ok()) refuse(*job, 429, "too many requests wait");
  });
}

void WebDoor::work(const std::stop_token& stop) {
  name_this_thread("quern-web-input");
  // Ends when the queue is closed and empty, not when it is asked to: requests that were read are
  // answered.
  while (auto first = waiting_.pop(Deadline::never(), {})) {
    std::vector<std::pair<std::shared_ptr<Job>, WebAnswer>> done;
    for (auto job = std::move(first); job.ok();
         job = waiting_.pop(Deadline::at(Deadline::Clock::now()), {})) {
      WebAnswer result = take(**job, stop);
      done.emplace_back(*std::move(job), std::move(result));
      if (done.size() == kTogether) break;
    }
    const Result<> synced = sink_.sync();
    for (const auto& [job, result] : done) {
      if (synced.ok() || result.status >= 400) {
        answer(*job, result);
      } else {
        refuse(*job, 503, "it could not be kept: " + synced.error().describe());
      }
    }
  }
}

WebAnswer WebDoor::take(Job& job, const std::stop_token& stop) {
  const auto refusal = [&](std::uint16_t status, std::string_view why) {
    return taker_.refusal(job.request.head, status, why);
  };
  const std::string packed = to_lower(trim(header(job.request.head, "content-encoding")));
  if (!packed.empty() && packed != "gzip" && packed != "identity")
    return refusal(415, "a body may be packed with gzip, and with nothing else");
  if (packed == "gzip") {
    if (!job.share.hold(job.request.body.size() + options_.max_unpacked.count))
      return refusal(429, "too much is being sent at a time");
    Result<Buffer> body = unpack(job.request.body, options_.max_unpacked);
    if (!body.ok()) return refusal(status_for(body.error()), body.error().describe());
    job.request.body = *std::move(body);
    job.share.keep(job.request.body.size());
  }
  bool sink_failed = false;
  WebRoom room(job.share, job.request.body.size());
  const Result<WebAnswer> taken = taker_.take(job.request, room, [&](logs::Batch batch) {
    Result<> given = sink_.accept(std::move(batch), stop);
    sink_failed = !given.ok();
    return given;
  });
  job.share.keep(job.request.body.size());
  if (taken.ok()) return *taken;
  return refusal(sink_failed ? 503 : status_for(taken.error()), taken.error().describe());
}

void WebDoor::refuse(const Job& job, std::uint16_t status, std::string_view why) {
  answer(job, taker_.refusal(job.request.head, status, why));
}

void WebDoor::answer(const Job& job, const WebAnswer& answer) {
  if (answer.status >= 500) {
    ++counts_.failed;
  } else if (answer.status >= 400) {
    ++counts_.refused;
  }
  http::Headers more;
  if (answer.status == 429 || answer.status == 503) more.emplace_back("retry-after", "1");
  if (answer.status == 401) more.emplace_back("www-authenticate", "Bearer");
  job.exchange->respond(answer.status, answer.content_type, answer.body, std::move(more));
}

std::string media_type(const http::RequestHead& head) {
  const std::string_view type = header(head, "content-type");
  return to_lower(trim(type.substr(0, type.find(';'))));
}

Result<> WebInput::run(logs::Sink& sink, std::stop_token stop) {
  WebDoor door(options_, *taker_, sink, counts_);
  return door.run(stop, [this](std::uint16_t port) { port_ = port; });
}

std::vector<logs::Figure> WebInput::figures() const {
  const auto figure = [&](std::string_view name, auto value) {
    return logs::Figure{
        .name = prefix_ + std::string(name), .value = static_cast<double>(value), .labels = {}};
  };
  return {figure("_requests_total", counts_.requests.load()),
          figure("_requests_refused_total", counts_.refused.load()),
          figure("_requests_failed_total", counts_.failed.load()), figure("_port", port_.load())};
}

}  // namespace quern::inputs
