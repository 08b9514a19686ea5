#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/grants.hpp"
#include "base/home.hpp"
#include "cli/models.hpp"
#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include <atomic>
#include <future>

namespace quern::cli {
namespace {

// One run: begins, ends by itself or by a signal.
template <class Value>
class Outcome {
 public:
  std::function<void(Result<Value>)> setter() {
    return [promise = promise_](Result<Value> value) { promise->set_value(std::move(value)); };
  }
  Result<Value> wait() { return promise_->get_future().get(); }

 private:
  // Shared, because `done` may still be running when wait() has returned.
  std::shared_ptr<std::promise<Result<Value>>> promise_ =
      std::make_shared<std::promise<Result<Value>>>();
};

Error explain(Error error, const Run& options) {
  const std::string file = options.file.string();
  if (error.kind() == ErrorKind::deadline_exceeded) {
    return with_advice(std::move(error).wrap(file), "quern run --timeout 1h " + file);
  }
  return std::move(error).wrap(file);
}

// A run that did not end by itself. The limits of a guest are no shortage of this machine's, so
// they have an exit code of their own.
Result<int> failed(const Error& error, const Run& options, World& world) {
  const bool at_limit = error.kind() == ErrorKind::resource_exhausted;
  Error explained = explain(error, options);
  if (!at_limit) return fail(std::move(explained));
  world.console.err(failure_text(explained));
  return kGuestLimit;
}

struct Node {
  Models models;
  guestapi::GuestApi api{models};
  std::unique_ptr<wasm::Engine> engine;
  std::shared_ptr<wasm::Linked> linked;
};

Result<> load(Node& node, const Run& options, const Home& home, World& world) {
  if (names_models(options.model)) node.models.start(options.model, home, world);
  TRY(world.files.make_directories(home.code.parent_path()));
  node.engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
  const auto program = TRY(node.engine->load_file(options.file));
  if (options.invoke.empty() && !program->is_command()) {
    return fail(with_advice(
        Error(ErrorKind::unsupported, options.file.string() + " is not a command"),
        program->is_http_handler() ? "quern serve " + options.file.string()
                                   : "quern run --invoke FUNCTION " + options.file.string()));
  }
  node.linked = TRY(node.engine->link(program, node.api.imports()).context(options.file.string()));
  return {};
}

Result<wasm::Sandbox> make_sandbox(Node& node, const Run& options, World& world,
                                   const std::stop_token& stop) {
  guestapi::Grants grants = TRY(make_grants(options.grants, Purpose::command, world.process));
  if (names_models(options.model)) {
    TRY(node.models.wait(stop));
    for (std::string& name : node.models.names()) grants.models.push_back(std::move(name));
  }
  wasm::Sandbox sandbox = TRY(node.api.sandbox(grants, {.tenant = "run", .meter = {}}));
  sandbox.args = options.arguments;
  sandbox.args.insert(sandbox.args.begin(), options.file.filename().string());
  sandbox.standard_in = wasm::Standard::inherit;
  sandbox.standard_out = wasm::Standard::inherit;
  return sandbox;
}

}  // namespace

Result<int> run_program(const Run& options, World& world) {
  const Home home = TRY(find_home(world.process));
  std::stop_source interrupted;
  std::atomic<int> signal{0};
  const OnSignal on_signal = world.signals.on_signal([&](int number) {
    signal = number;
    interrupted.request_stop();
  });
  Node node;
  TRY(load(node, options, home, world));
  wasm::Sandbox sandbox = TRY(make_sandbox(node, options, world, interrupted.get_token()));
  const auto end_by_signal = [&](wasm::Running& running) {
    return std::make_unique<std::stop_callback<std::function<void()>>>(
        interrupted.get_token(),
        [&running] { running.cancel(Error(ErrorKind::cancelled, "ended by a signal")); });
  };
  if (!options.invoke.empty()) {
    Outcome<std::string> outcome;
    const auto running = node.linked->invoke(std::move(sandbox), options.invoke, options.arguments,
                                             outcome.setter());
    const auto on_stop = end_by_signal(*running);
    const Result<std::string> text = outcome.wait();
    if (!text) return failed(text.error(), options, world);
    world.console.out(*text + "\n");
    return kSuccess;
  }
  Outcome<int> outcome;
  const auto running = node.linked->run(std::move(sandbox), outcome.setter());
  const auto on_stop = end_by_signal(*running);
  const Result<int> code = outcome.wait();
  if (code) return *code;
  // Ctrl-C needs no explanation.
  if (signal != 0 && code.error().kind() == ErrorKind::cancelled) return ended_by(signal);
  return failed(code.error(), options, world);
}

}  // namespace quern::cli
