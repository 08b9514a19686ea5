#include "base/home.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/grants.hpp"
#include "cli/model_component.hpp"
#include "cli/models.hpp"
#include "cli/nn_preload.hpp"
#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include "store/store.hpp"
#include "tensor/graph_shelf.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
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

// What is to be said of a program that cannot be run as it is.
Error not_a_command(const wasm::Program& program, const std::string& file) {
  const auto exports = [&](std::string_view beginning) {
    return std::any_of(program.exports().begin(), program.exports().end(),
                       [&](const std::string& name) { return name.starts_with(beginning); });
  };
  Error error(ErrorKind::unsupported, file + " is not a command");
  if (program.is_http_handler()) return with_advice(std::move(error), "quern serve " + file);
  if (program.kind() == wasm::ProgramKind::module) {
    return with_advice(std::move(error), "quern run --invoke FUNCTION " + file);
  }
  if (exports("wasi:cli/run@0.3") || exports("wasi:http/handler@0.3")) {
    return {ErrorKind::unsupported, file + " is made for WASI 0.3; WASI 0.1 and 0.2 are offered"};
  }
  Error others(ErrorKind::unsupported,
               file +
                   " is no program but a component for others: it exports neither wasi:cli/run nor "
                   "wasi:http/incoming-handler");
  if (program.exports().empty()) return others;
  return with_advice(std::move(others), "quern run --invoke 'FUNCTION(ARGUMENTS)' " + file);
}

struct Node {
  Node(const Home& home, std::vector<tensor::Library> libraries)
      : graphs(std::move(libraries)),
        api(models, store::make_sqlite_stores(home.stores), &graphs) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  // What a guest that is gone has asked for may still be downloading.
  ~Node() { models.stop(); }

  Models models;
  tensor::GraphShelf graphs;
  guestapi::GuestApi api;
  std::optional<ModelComponent> component;  // between the program and the weights
  std::unique_ptr<wasm::Engine> engine;
  std::shared_ptr<wasm::Linked> linked;
};

Result<> load(Node& node, const Run& options, const Home& home, World& world) {
  if (names_models(options.model)) {
    node.models.start(options.model, home, world, weights_of(node.component));
  }
  TRY(world.files.make_directories(home.code.parent_path()));
  node.engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
  const auto program =
      TRY(load_program(*node.engine, options.file, options.model, node.component, world.files));
  if (!options.invoke.empty() && program->kind() == wasm::ProgramKind::component &&
      !options.record.place.empty()) {
    return fail(ErrorKind::unsupported,
                "--record with --invoke records modules, not components yet");
  }
  std::error_code absent;  // one of the two is not there yet: they are not the same
  if (std::filesystem::equivalent(options.record.place, options.file, absent)) {
    return fail(ErrorKind::invalid_argument,
                "--record " + options.record.place.string() + " is the program itself");
  }
  if (options.invoke.empty() && !program->is_command()) {
    return fail(not_a_command(*program, options.file.string()));
  }
  node.linked = TRY(node.engine->link(program, node.api.imports()).context(options.file.string()));
  return {};
}

Result<wasm::Sandbox> make_sandbox(Node& node, const Run& options, World& world,
                                   const std::stop_token& stop) {
  guestapi::Grants grants = TRY(make_grants(options.grants, Purpose::command, world.process));
  std::vector<std::string> names;
  if (names_models(options.model)) {
    TRY(node.models.wait(stop));
    names = node.models.names();
  }
  TRY(check_names(options.model, names));
  grants.models.insert(grants.models.end(), names.begin(), names.end());
  grant_preloads(options.model, grants);
  wasm::Sandbox sandbox = TRY(node.api.sandbox(grants, {.tenant = "run", .meter = {}}));
  sandbox.args = options.arguments;
  sandbox.args.insert(sandbox.args.begin(), options.file.filename().string());
  sandbox.standard_in = wasm::Standard::inherit;
  sandbox.standard_out = wasm::Standard::inherit;
  if (!options.record.place.empty()) {
    sandbox.record = wasm::Recording{.file = options.record.place,
                                     .program = options.file.string(),
                                     .limit = options.record.limit.value_or(1_GiB)};
  }
  return sandbox;
}

// The first signal asks the program to end.
struct Interrupt {
  std::stop_source source;
  std::atomic<int> signal{0};
};

Result<int> run_on(Node& node, Run& options, const Home& home, Interrupt& interrupt, World& world) {
  node.component = TRY(take_component(options.model, home, world));
  if (node.component && !options.record.place.empty()) {
    return fail(with_advice(
        Error(ErrorKind::unsupported, "a program is recorded with a model that is part of it"),
        "quern compose " + options.file.string() + " --with MODEL.wasm -o composed.wasm"));
  }
  TRY(load(node, options, home, world));
  const std::stop_token stop = interrupt.source.get_token();
  wasm::Sandbox sandbox = TRY(make_sandbox(node, options, world, stop));
  const auto end_by_signal = [&](wasm::Running& running) {
    return std::make_unique<std::stop_callback<std::function<void()>>>(
        stop, [&running] { running.cancel(Error(ErrorKind::cancelled, "ended by a signal")); });
  };
  const auto ended_early = [&](const Error& error) -> Result<int> {
    // Ctrl-C needs no explanation.
    if (interrupt.signal != 0 && error.kind() == ErrorKind::cancelled) {
      return ended_by(interrupt.signal);
    }
    return failed(error, options, world);
  };
  if (!options.invoke.empty()) {
    Outcome<wasm::Invoked> outcome;
    const auto running = node.linked->invoke(std::move(sandbox), options.invoke, options.arguments,
                                             outcome.setter());
    const auto on_stop = end_by_signal(*running);
    const Result<wasm::Invoked> invoked = outcome.wait();
    if (!invoked) return ended_early(invoked.error());
    if (!invoked->results.empty()) world.console.out(invoked->results + "\n");
    return invoked->exit_code;
  }
  Outcome<int> outcome;
  const auto running = node.linked->run(std::move(sandbox), outcome.setter());
  const auto on_stop = end_by_signal(*running);
  const Result<int> code = outcome.wait();
  if (code) return *code;
  return ended_early(code.error());
}

}  // namespace

Result<int> run_program(const Run& asked, World& world) {
  Run options = asked;
  add_environment(options.model, world.process);
  const Home home = TRY(find_home(world.process));
  Interrupt interrupt;
  const OnSignal on_signal = world.signals.on_signal([&](int number) {
    // The second does not wait.
    if (interrupt.signal.exchange(number) != 0) std::_Exit(ended_by(number));
    interrupt.source.request_stop();
  });
  Node node(home, tensor::known_libraries({.threads = options.model.threads}, world.process,
                                          world.files));
  put_on_shelf(options.model, node.graphs);
  Result<int> done = run_on(node, options, home, interrupt, world);
  // One operation of a graph can take hours, and nothing ends it but the process.
  if (!node.api.end(Deadline::in(std::chrono::seconds(1)))) {
    node.models.stop();
    std::_Exit(tell_end(done, world));
  }
  return done;
}

}  // namespace quern::cli
