#include "base/home.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/model_component.hpp"
#include "cli/server.hpp"
#include "wasm/wasm.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <future>

namespace quern::cli {
namespace {

using Program = std::shared_ptr<const wasm::Program>;

// Of texts out of the recording.
constexpr std::size_t kShown = 200;
constexpr std::size_t kShownLine = 4096;  // as long as a path

std::string shown(std::string_view text) { return printable(text, kShownLine); }

// A recording is anybody's, and so is what is said of it: traps have lines, and lines nothing else.
Error shown(const Error& error) {
  const std::string text = error.describe();
  std::string lines;
  for (const std::string_view line : split(text, '\n')) {
    lines += (lines.empty() ? "" : "\n") + shown(line);
  }
  return {error.kind(), lines};
}

Failure failed(const std::string& name, int code) {
  const ErrorKind kind = code == ENOENT || code == ENOTDIR ? ErrorKind::not_found
                         : code == EACCES                  ? ErrorKind::permission_denied
                                                           : ErrorKind::unavailable;
  return fail(kind, "cannot read " + name + ": " + std::generic_category().message(code));
}

// What a recording names may be anything: a pipe would hold the replay up, a device has no end.
Result<Buffer> read_program(const std::filesystem::path& path) {
  const std::string name = shown(path.native());
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) return failed(name, errno);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorKind::invalid_argument, name + " is no regular file");
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > kLargestProgram.count) {
    return fail(ErrorKind::resource_exhausted,
                name + " is larger than the " + to_string(kLargestProgram) + " allowed here");
  }
  Buffer bytes(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(fd.get(), bytes.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(name, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<Program> load_recorded(wasm::Engine& engine, const std::filesystem::path& path) {
  return engine.load(TRY(read_program(path)), shown(path.native()));
}

// The program that was recorded: where it was, or where it is said to be now.
Result<Program> load(wasm::Engine& engine, const wasm::RecordingFacts& facts, const Replay& options,
                     World& world) {
  if (!options.program.empty()) return engine.load_file(options.program);
  if (facts.program.empty()) return load_chat_server(engine, world);
  Result<Program> program =
      load_recorded(engine, std::filesystem::path(facts.folder) / facts.program);
  if (program) return program;
  return fail(with_advice(shown(program.error()).wrap("the recorded program"),
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
                (facts.program.empty() ? "this chat server" : shown(facts.program)) + " " + text),
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
                      ": " + shown(replayed.why) + "\n");
    return kDiverged;
  }
  log::debug("cli", "calls that were replayed: " + std::to_string(replayed.calls));
  if (options.check) {
    world.console.out("the same; calls: " + std::to_string(replayed.calls) + "\n");
    return kSuccess;
  }
  if (!replayed.end) {
    const Error& end = replayed.end.error();
    world.console.err(failure_text(shown(end).wrap(shown(facts.program))));
    return end.kind() == ErrorKind::resource_exhausted ? kGuestLimit : exit_code(end.kind());
  }
  if (facts.what == wasm::RecordingFacts::What::invocation && !replayed.end->results.empty()) {
    world.console.out(replayed.end->results + "\n");
  }
  return replayed.end->exit_code;
}

}  // namespace

Result<int> replay_recording(const Replay& options, World& world) {
  const auto described = wasm::describe_recording(options.recording);
  if (!described) return fail(shown(described.error()));
  const wasm::RecordingFacts& facts = *described;
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
  if (!replayed) return fail(shown(replayed.error()).wrap(options.recording.string()));
  return tell(*replayed, facts, options, world);
}

}  // namespace quern::cli
