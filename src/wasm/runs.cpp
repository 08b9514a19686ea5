#include "wasm/runs.hpp"

#include "base/check.hpp"
#include "wasm/bridge_values.hpp"
#include "wasm/running.hpp"
#include "wasm/thread_order.hpp"

#include <utility>

namespace quern::wasm {
namespace {

// ---- callbacks: what the bridge tells, each on a worker thread -------------------------------

QUERN_CALLBACK void run_done(void* run, std::uint32_t kind, qb_bytes message,
                             std::int32_t exit_code, qb_bytes results) noexcept {
  const AfterAll turn(run);
  const std::unique_ptr<RunDone> done(static_cast<RunDone*>(run));
  if (kind == 0) {
    (*done)(Invoked{exit_code, text(results)});
  } else {
    (*done)(fail(make_error(kind, text(message))));
  }
}

// A replay's `void*`: told once, then deleted.
using ReplayDone = std::function<void(Result<Replayed>)>;

QUERN_CALLBACK void replay_done(void* replay, std::uint32_t kind, qb_bytes message,
                                const qb_replayed* ended) noexcept {
  const AfterAll turn(replay);
  const std::unique_ptr<ReplayDone> done(static_cast<ReplayDone*>(replay));
  if (kind != 0) return (*done)(fail(make_error(kind, text(message))));
  const ByteView response = view(ended->response);
  Replayed replayed{.verdict = static_cast<Replayed::Verdict>(ended->verdict),
                    .why = text(message),
                    .calls = ended->calls,
                    .end = Invoked{ended->exit_code, {}},
                    .response = Buffer(response.begin(), response.end())};
  if (ended->end_kind != 0) {
    replayed.end = fail(make_error(ended->end_kind, text(ended->end)));
  } else {
    replayed.end->results = text(ended->end);
  }
  (*done)(std::move(replayed));
}

// A sink's `void*`.
using SharedSink = std::shared_ptr<HttpResponseSink>;
HttpResponseSink& sink_of(void* sink) { return **static_cast<SharedSink*>(sink); }

QUERN_CALLBACK void sink_head(void* sink, std::uint16_t status, const qb_pair* headers,
                              std::size_t count) noexcept {
  const AfterAll turn(sink);
  HttpHeaders copied;
  copied.reserve(count);
  for (const qb_pair& pair : std::span(headers, count)) {
    copied.emplace_back(text(pair.first), text(pair.second));
  }
  sink_of(sink).head(status, std::move(copied));
}

QUERN_CALLBACK void sink_body(void* sink, qb_bytes chunk, qb_waitable* taken) noexcept {
  const AfterAll turn(sink);
  const ByteView bytes = view(chunk);
  const std::shared_ptr<qb_waitable> token(taken, qb_waitable_free);
  sink_of(sink).body(Buffer(bytes.begin(), bytes.end()),
                     [token] { qb_waitable_set(token.get(), true); });
}

QUERN_CALLBACK void sink_end(void* sink) noexcept {
  const AfterAll turn(sink);
  sink_of(sink).end();
}

QUERN_CALLBACK void sink_fail(void* sink, std::uint32_t kind, qb_bytes message) noexcept {
  const AfterAll turn(sink);
  sink_of(sink).fail(make_error(kind, text(message)));
}

QUERN_CALLBACK void sink_drop(void* sink) noexcept {
  const AfterAll turn(sink);
  delete static_cast<SharedSink*>(sink);
}

// A pushed chunk's `void*`.
using Taken = std::function<void()>;

QUERN_CALLBACK void body_taken(void* taken) noexcept {
  const AfterAll turn(taken);
  const std::unique_ptr<Taken> callback(static_cast<Taken*>(taken));
  if (*callback) (*callback)();
}

// ---- handles: what C++ holds ------------------------------------------------------------------
//
// Null after a panic in the bridge, which has told the end already: then there is nothing to do.

class BridgeExchange final : public HttpExchange {
 public:
  explicit BridgeExchange(qb_exchange* exchange) : exchange_(exchange) {}
  void cancel(Error reason) override {
    if (exchange_ == nullptr) return;
    const std::string message = reason.describe();
    qb_exchange_cancel(exchange_.get(), kind_code(reason.kind()), borrow(message));
  }
  void push_body(Buffer chunk, std::function<void()> taken) override {
    if (exchange_ == nullptr) return;
    auto token = std::make_unique<Taken>(std::move(taken));
    qb_exchange_push(exchange_.get(), borrow(chunk),
                     hand_over(token.release()));  // body_taken deletes it
  }
  void end_body() override {
    if (exchange_ != nullptr) qb_exchange_end_body(exchange_.get());
  }
  void abort_body() override {
    if (exchange_ != nullptr) qb_exchange_abort_body(exchange_.get());
  }

 private:
  struct Free {
    void operator()(qb_exchange* exchange) const noexcept { qb_exchange_free(exchange); }
  };
  std::unique_ptr<qb_exchange, Free> exchange_;
};

RecordingFacts::What what_of(std::string_view name) {
  if (name == "invocation") return RecordingFacts::What::invocation;
  return name == "exchange" ? RecordingFacts::What::exchange : RecordingFacts::What::run;
}

}  // namespace

std::unique_ptr<Running> start_run(const qb_linked* linked, Sandbox sandbox,
                                   std::function<void(Result<int>)> done) {
  auto end = std::make_unique<RunDone>([done = std::move(done)](Result<Invoked> result) {
    if (!result.ok()) return done(fail(std::move(result).error()));
    done(result->exit_code);
  });
  SandboxView given = view_of(std::move(sandbox));
  return std::make_unique<BridgeRunning>(qb_run(linked, given.give(), hand_over(end.release())));
}

std::unique_ptr<Running> start_replay(const qb_engine* engine, const qb_program* program,
                                      const std::filesystem::path& recording, Sandbox sandbox,
                                      std::function<void(Result<Replayed>)> done) {
  auto end = std::make_unique<ReplayDone>(std::move(done));
  SandboxView given = view_of(std::move(sandbox));
  qb_running* running = nullptr;
  // Fails only by a panic, which nobody survives to be told of.
  const Result<> started = check(qb_replay(engine, program, borrow(recording.native()),
                                           given.give(), hand_over(end.release()), &running));
  CHECK(started.ok(), "a replay begins, whatever its recording is");
  return std::make_unique<BridgeRunning>(running);
}

std::unique_ptr<HttpExchange> start_exchange(const qb_linked* linked, Sandbox sandbox,
                                             const HttpRequest& request,
                                             std::shared_ptr<HttpResponseSink> sink) {
  std::vector<qb_pair> headers;
  headers.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) {
    headers.push_back({borrow(name), borrow(value)});
  }
  const qb_request view = {.method = borrow(request.method),
                           .scheme = borrow(request.scheme),
                           .authority = borrow(request.authority),
                           .target = borrow(request.target),
                           .headers = headers.data(),
                           .header_count = headers.size(),
                           .has_body = request.has_body};
  auto shared = std::make_unique<SharedSink>(std::move(sink));
  SandboxView given = view_of(std::move(sandbox));
  return std::make_unique<BridgeExchange>(
      qb_handle(linked, given.give(), &view, hand_over(shared.release())));  // sink_drop deletes it
}

void set_run_callbacks(qb_callbacks& callbacks) {
  callbacks.run_done = run_done;
  callbacks.replay_done = replay_done;
  callbacks.sink_head = sink_head;
  callbacks.sink_body = sink_body;
  callbacks.sink_end = sink_end;
  callbacks.sink_fail = sink_fail;
  callbacks.sink_drop = sink_drop;
  callbacks.body_taken = body_taken;
}

Result<RecordingFacts> describe_recording(const std::filesystem::path& file) {
  RecordingFacts facts;
  TRY(check(qb_recording_describe(borrow(file.native()), &facts,
                                  [](void* target, std::uint32_t fact, qb_bytes told) {
                                    auto& found = *static_cast<RecordingFacts*>(target);
                                    switch (fact) {
                                      case QB_RECORDED_WHAT:
                                        found.what = what_of(text(told));
                                        return;
                                      case QB_RECORDED_DIGEST: found.digest = text(told); return;
                                      case QB_RECORDED_PROGRAM: found.program = text(told); return;
                                      case QB_RECORDED_FOLDER: found.folder = text(told); return;
                                      case QB_RECORDED_ENGINE: found.engine = text(told); return;
                                      default: found.words.push_back(text(told)); return;
                                    }
                                  })));
  return facts;
}

}  // namespace quern::wasm
