#include "pipeline/control.hpp"

#include "base/host_port.hpp"
#include "base/log.hpp"
#include "base/percent.hpp"
#include "base/process.hpp"
#include "base/queue.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <random>
#include <thread>
#include <utility>

namespace quern::pipeline {
namespace {

using http::Exchange;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
constexpr Bytes kLargestBody = 1_MiB;
constexpr std::size_t kMostJobs = 64;
constexpr std::string_view kFolder = "control";  // its owner's alone
constexpr std::string_view kAddress = "address";

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint16_t status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::corrupt_data: return 400;
    case ErrorKind::permission_denied: return 401;
    case ErrorKind::not_found: return 404;
    case ErrorKind::already_exists:
    case ErrorKind::unsupported: return 409;
    case ErrorKind::resource_exhausted: return 429;
    case ErrorKind::unavailable:
    case ErrorKind::cancelled: return 503;
    default: return 500;
  }
}

void refuse(Exchange& exchange, const Error& error) {
  exchange.respond(status_of(error.kind()), kJson, dump({{"error", error.describe()}}));
}

std::string make_token() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> digit(0, 15);
  std::string token;
  for (int i = 0; i < 64; ++i) token.push_back(kDigits[digit(random)]);
  return token;
}

// In a query "+" is a blank.
std::string decoded(std::string_view text) {
  std::string blanks(text);
  std::ranges::replace(blanks, '+', ' ');
  return percent_decoded(blanks);
}

std::map<std::string, std::string> read_query(std::string_view target) {
  std::map<std::string, std::string> query;
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return query;
  for (const std::string_view pair : split(target.substr(mark + 1), '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query[decoded(pair.substr(0, equals))] =
        decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return query;
}

std::string value_of(const logs::StageCall& call, const std::string& name) {
  const auto found = call.query.find(name);
  return found == call.query.end() ? std::string() : found->second;
}

// Sends what a tap sees until one of the two is gone.
class Viewer {
 public:
  Viewer(std::shared_ptr<Exchange> exchange, std::shared_ptr<Tap> tap)
      : thread_([this, exchange = std::move(exchange),
                 tap = std::move(tap)](const std::stop_token& stop) {
          name_this_thread("quern-tap");
          show(*exchange, *tap, stop);
          over_ = true;
        }) {}
  bool over() const { return over_; }

 private:
  // Shared with callbacks, which may come when the viewer is gone.
  struct Turn {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool sent = true;
    bool gone = false;
  };

  void show(Exchange& exchange, Tap& tap, const std::stop_token& stop) {
    const auto turn = std::make_shared<Turn>();
    exchange.on_gone([turn] {
      {
        const std::lock_guard lock(turn->mutex);
        turn->gone = true;
      }
      turn->changed.notify_all();
    });
    exchange.send_head(200, {{"content-type", "application/x-ndjson"}});
    while (!stop.stop_requested()) {
      Result<std::string> line = tap.next(Deadline::in(500ms), stop);
      std::unique_lock lock(turn->mutex);
      if (turn->gone) return;
      if (!line) continue;
      turn->sent = false;
      lock.unlock();
      exchange.send_body(to_buffer(*line + "\n"), [turn](const Result<>& sent) {
        {
          const std::lock_guard held(turn->mutex);
          turn->sent = true;
          turn->gone = turn->gone || !sent.ok();
        }
        turn->changed.notify_all();
      });
      lock.lock();
      if (!turn->changed.wait(lock, stop, [&] { return turn->sent || turn->gone; })) break;
    }
    exchange.finish();
  }

  std::atomic<bool> over_{false};
  std::jthread thread_;
};

class PipelineControl final : public Control, private http::Handler {
 public:
  PipelineControl(Parts parts, std::string token)
      : parts_(std::move(parts)), token_digest_(sha256(as_bytes(token))) {}
  ~PipelineControl() override {
    (void)parts_.files.remove(parts_.pipeline.plan().state / kFolder / kAddress);
    server_.reset();
    jobs_.close();
    worker_.request_stop();
  }

  Result<> listen() {
    http::ServerOptions options{.threads = 1, .max_connections = 64, .max_body = kLargestBody};
    const std::string where = parts_.pipeline.plan().listen;
    if (!where.empty()) {
      HostPort place = TRY(parse_host_port(where));
      options.host = std::move(place.host);
      options.port = place.port;
    }
    server_ =
        TRY(http::Server::listen(options, *this).context("the pipeline's own address " + where));
    host_ = options.host;
    worker_ = std::jthread([this](const std::stop_token& stop) {
      name_this_thread("quern-control");
      while (auto job = jobs_.pop(Deadline::never(), stop)) (*job)(stop);
    });
    return {};
  }

  std::string url() const override {
    return "http://" + in_brackets(host_) + ":" + std::to_string(server_->port());
  }

 private:
  using Job = std::function<void(const std::stop_token&)>;

  void handle(std::shared_ptr<Exchange> exchange) override;
  bool may(const http::RequestHead& request) const;
  void tap(std::shared_ptr<Exchange> exchange, const std::string& stage);
  void later(std::shared_ptr<Exchange> exchange, std::string path, logs::StageCall call);
  void queue(std::shared_ptr<Exchange> exchange, std::string path, logs::StageCall call);
  Result<std::string> answer(const std::string& path, const logs::StageCall& call,
                             const std::stop_token& stop);

  const Parts parts_;
  const std::string token_digest_;
  std::string host_;
  Queue<Job> jobs_{{.items = kMostJobs}};
  std::jthread worker_;
  Guarded<std::list<Viewer>> viewers_;
  std::unique_ptr<http::Server> server_;
};

bool PipelineControl::may(const http::RequestHead& request) const {
  constexpr std::string_view kScheme = "Bearer ";
  for (const auto& [name, value] : request.headers) {
    // Digests are compared: how long that takes tells nothing of the token.
    if (name == "authorization" && value.starts_with(kScheme))
      return sha256(as_bytes(std::string_view(value).substr(kScheme.size()))) == token_digest_;
  }
  return false;
}

void PipelineControl::handle(std::shared_ptr<Exchange> exchange) {
  const http::RequestHead& request = exchange->request();
  const std::string path = request.target.substr(0, request.target.find('?'));
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && path == "/metrics")
    return exchange->respond(200, kPrometheus, prometheus_text(parts_.pipeline));
  if (reads && path == "/health") {
    for (const StageState& stage : parts_.pipeline.stages()) {
      if (!stage.ailment.empty())
        return exchange->respond(503, kJson, dump({{"status", "ailing"}, {"stage", stage.name}}));
    }
    return exchange->respond(200, kJson, R"({"status":"ok"})");
  }
  // The page asks for everything itself, with the token that stands behind "#".
  if (const auto file = parts_.page.find(path); reads && file != parts_.page.end()) {
    return exchange->respond(200, file->second.type, file->second.bytes,
                             {{"content-security-policy", std::string(kPagePolicy)},
                              {"cache-control", "no-store"},
                              {"referrer-policy", "no-referrer"},
                              {"x-content-type-options", "nosniff"}});
  }
  if (!may(request)) {
    return refuse(
        *exchange,
        {ErrorKind::permission_denied,
         "this needs the token from the file control/address in the pipeline's state folder, as "
         "\"Authorization: Bearer TOKEN\""});
  }
  logs::StageCall call{
      .method = request.method, .what = {}, .query = read_query(request.target), .body = {}};
  if (path == "/api/tap") return tap(std::move(exchange), value_of(call, "stage"));
  later(std::move(exchange), path, std::move(call));
}

void PipelineControl::tap(std::shared_ptr<Exchange> exchange, const std::string& stage) {
  Result<std::shared_ptr<Tap>> tap = parts_.pipeline.tap(stage);
  if (!tap) return refuse(*exchange, tap.error());
  viewers_.with([&](std::list<Viewer>& all) {
    std::erase_if(all, [](const Viewer& one) { return one.over(); });
    all.emplace_back(std::move(exchange), *std::move(tap));
  });
}

// Reads the body, then lets the worker answer: what may block must not do so on a thread of the
// server.
void PipelineControl::later(std::shared_ptr<Exchange> exchange, std::string path,
                            logs::StageCall call) {
  if (!exchange->has_body()) return queue(std::move(exchange), std::move(path), std::move(call));
  Exchange& asked = *exchange;
  asked.read_body([this, exchange = std::move(exchange), path = std::move(path),
                   call = std::move(call)](const Result<Buffer>& chunk) mutable {
    if (!chunk) return;
    call.body.append(as_text(*chunk));
    if (chunk->empty()) return queue(std::move(exchange), std::move(path), std::move(call));
    later(std::move(exchange), std::move(path), std::move(call));
  });
}

void PipelineControl::queue(std::shared_ptr<Exchange> exchange, std::string path,
                            logs::StageCall call) {
  Job job = [this, exchange, path = std::move(path),
             call = std::move(call)](const std::stop_token& stop) {
    const Result<std::string> text = answer(path, call, stop);
    if (!text) return refuse(*exchange, text.error());
    exchange->respond(200, kJson, *text);
  };
  if (const Result<> queued = jobs_.try_push(std::move(job)); !queued)
    refuse(*exchange, queued.error());
}

Result<std::string> PipelineControl::answer(const std::string& path, const logs::StageCall& call,
                                            const std::stop_token& stop) {
  if (path == "/api/stages") return stages_json(parts_.pipeline);
  if (path == "/api/reload" && call.method == "POST") {
    const Difference difference = TRY(parts_.pipeline.reload());
    return dump({{"added", difference.added},
                 {"changed", difference.changed},
                 {"removed", difference.removed}});
  }
  if (path == "/api/replay" && call.method == "POST") {
    const std::string stage = value_of(call, "stage");
    const std::string to = value_of(call, "to");
    const std::uint64_t records = TRY(to.empty() ? parts_.pipeline.replay(stage, stop)
                                                 : parts_.pipeline.replay_to(stage, to, stop));
    return dump({{"records", records}});
  }
  // "/api/stages/NAME/WHAT"
  constexpr std::string_view kStages = "/api/stages/";
  if (const std::size_t slash = path.find('/', kStages.size());
      path.starts_with(kStages) && slash != std::string::npos) {
    logs::StageCall asked = call;
    asked.what = path.substr(slash + 1);
    return parts_.pipeline.ask(path.substr(kStages.size(), slash - kStages.size()), asked);
  }
  return fail(ErrorKind::not_found, "there is no " + call.method + " " + printable(path, 100));
}

}  // namespace

Result<std::unique_ptr<Control>> Control::start(Parts parts) {
  const std::string token = make_token();
  Files& files = parts.files;
  const std::filesystem::path state = parts.pipeline.plan().state;
  auto control = std::make_unique<PipelineControl>(std::move(parts), token);
  TRY(control->listen());
  const std::filesystem::path folder = state / kFolder;
  TRY(files.make_directories(folder, 0700));
  if ((TRY(files.stat(folder)).mode & 0077U) != 0)
    return fail(ErrorKind::permission_denied, folder.string() + " is open to others; chmod 700 it");
  TRY(files.write(folder / kAddress, to_buffer(control->url() + "\n" + token + "\n")));
  return std::unique_ptr<Control>(std::move(control));
}

Result<ControlAddress> find_control(Files& files, const std::filesystem::path& state) {
  const std::filesystem::path file = state / kFolder / kAddress;
  if (!files.exists(file))
    return fail(ErrorKind::not_found, "no pipeline runs with the state " + state.string());
  const Buffer bytes = TRY(files.read(file, 4_KiB));
  const auto lines = split(as_text(bytes), '\n');
  if (lines.size() < 2) return fail(ErrorKind::corrupt_data, file.string() + " is damaged");
  return ControlAddress{.url = std::string(lines[0]), .token = std::string(lines[1])};
}

}  // namespace quern::pipeline
