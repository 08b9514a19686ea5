#include "base/home.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/server.hpp"
#include "wasm/wasm.hpp"

#include <atomic>
#include <future>

namespace quern::cli {
namespace {

using Program = std::shared_ptr<const wasm::Program>;

constexpr std::size_t kShown = 200;  // of a text out of the recording

// The program that was recorded: where it was, or where it is said to be now.
Result<Program> load(wasm::Engine& engine, const wasm::RecordingFacts& facts, const Replay& options,
                     World& world) {
  if (!options.program.empty()) return engine.load_file(options.program);
  if (facts.program.empty()) return load_chat_server(engine, world);
  Result<Program> program = engine.load_file(std::filesystem::path(facts.folder) / facts.program);
  if (program) return program;
  return fail(with_advice(std::move(program).error().wrap("the recorded program"),
                          "quern replay --program FILE.wasm " + options.recording.string()));
}

// What may make a replay differ, said before it does. A program that the user names may be another
// one: to hold it against the recording is a use of it.
Result<> check(const wasm::RecordingFacts& facts, const wasm::Program& program,
               const wasm::Engine& engine, const Replay& options, World& world) {
  if (program.digest() != facts.digest) {
    const std::string text =
        "is not the program that was recorded (" + printable(facts.digest, kShown) + ")";
    if (options.program.empty()) {
      return fail(with_advice(
          Error(ErrorKind::invalid_argument,
                (facts.program.empty() ? "this chat server" : facts.program) + " " + text),
          "quern replay --program FILE.wasm " + options.recording.string()));
    }
    world.console.err("quern: " + options.program.string() + " " + text + "\n");
  }
  if (facts.engine.empty() || !engine.describe().starts_with(facts.engine)) {
    world.console.err("quern: recorded with " + printable(facts.engine, kShown) +
                      "; NaNs and relaxed SIMD may differ here\n");
  }
  return {};
}

// The guest's own end, as `quern run` tells it, and whether it is the recorded one.
Result<int> tell(const wasm::Replayed& replayed, const wasm::RecordingFacts& facts,
                 const Replay& options, World& world) {
  if (!replayed.response.empty() && !options.check) world.console.out(as_text(replayed.response));
  if (replayed.verdict != wasm::Replayed::Verdict::same) {
    const bool diverged = replayed.verdict == wasm::Replayed::Verdict::diverged;
    world.console.err(std::string("quern: the replay ") + (diverged ? "diverges" : "ends early") +
                      ": " + replayed.why + "\n");
    return kDiverged;
  }
  log::debug("cli", "calls that were replayed: " + std::to_string(replayed.calls));
  if (options.check) {
    world.console.out("the same; calls: " + std::to_string(replayed.calls) + "\n");
    return kSuccess;
  }
  if (!replayed.end) {
    const Error& end = replayed.end.error();
    world.console.err(failure_text(Error(end).wrap(facts.program)));
    return end.kind() == ErrorKind::resource_exhausted ? kGuestLimit : exit_code(end.kind());
  }
  if (facts.what == wasm::RecordingFacts::What::invocation && !replayed.end->results.empty()) {
    world.console.out(replayed.end->results + "\n");
  }
  return replayed.end->exit_code;
}

}  // namespace

Result<int> replay_recording(const Replay& options, World& world) {
  const wasm::RecordingFacts facts = TRY(wasm::describe_recording(options.recording));
  const Home home = TRY(find_home(world.process));
  TRY(world.files.make_directories(home.code.parent_path()));
  const auto engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
  const Program program = TRY(load(*engine, facts, options, world));
  TRY(check(facts, *program, *engine, options, world));

  // Shared, because it may still be told when the answer is there already.
  const auto promise = std::make_shared<std::promise<Result<wasm::Replayed>>>();
  wasm::Sandbox sandbox;
  if (!options.check) sandbox.standard_out = wasm::Standard::inherit;
  sandbox.limits.output = Bytes{UINT64_MAX};  // what was printed is printed again
  const auto running =
      engine->replay(program, options.recording, std::move(sandbox),
                     [promise](Result<wasm::Replayed> end) { promise->set_value(std::move(end)); });
  std::atomic<int> signal = 0;
  const OnSignal on_signal = world.signals.on_signal([&](int number) {
    if (signal.exchange(number) != 0) std::_Exit(ended_by(number));
    running->cancel(Error(ErrorKind::cancelled, "ended by a signal"));
  });
  const Result<wasm::Replayed> replayed = promise->get_future().get();
  if (!replayed && signal != 0) return ended_by(signal);
  if (!replayed) return fail(Error(replayed.error()).wrap(options.recording.string()));
  return tell(*replayed, facts, options, world);
}

}  // namespace quern::cli
