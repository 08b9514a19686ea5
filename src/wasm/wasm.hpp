// wasm: WebAssembly programs, and nothing but what they are given.
//
// For:     compiling, caching and running modules (WASI 0.1) and components (WASI 0.2: cli/command
//          and http/proxy) in bounded, isolated instances. Home of Wasmtime: bridge/ is a small
//          Rust crate with a C ABI (bridge/bridge.h), the only Rust in Quern.
// Refuses: deciding what a guest may do (guestapi hands over a Sandbox), sockets that listen
//          (http), and native code from outside (a cache entry is used only when this program
//          wrote it for this CPU).
// Owns:    an Engine owns threads, code cache and instance pool. A Program is compiled code, shared
//          and immutable. A Linked is a Program with every import resolved. An instance lives for
//          one run or one HTTP exchange and is dropped with everything it holds; a Resident stays
//          until its owner drops it.
// Threads: everything here may be called from any thread. Guests run as fibers on the engine's few
//          worker threads; a guest that waits for the host holds no thread. Host functions are
//          called on worker threads: they must not block, and answer through HostCall at any time.
//          A Resident runs, and calls host functions, on the thread that calls it.
// Errors:  invalid_argument and corrupt_data (not wasm, invalid wasm), unsupported (an import
//          nobody provides: named), guest_trap, resource_exhausted, deadline_exceeded, cancelled,
//          unavailable (too many instances).
//
//     auto engine = TRY(Engine::create({.cache_dir = dir}));
//     auto program = TRY(engine->load_file("hello.wasm"));
//     auto linked = TRY(engine->link(program, {}));
//     linked->run(Sandbox{.args = {"hello"}}, [](Result<int> exit_code) { ... });
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wasm/guest_memory.hpp"
#include "wasm/host.hpp"
#include "wasm/http_exchange.hpp"
#include "wasm/resident.hpp"
#include "wasm/resident_component.hpp"
#include "wasm/sandbox.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::wasm {

struct EngineOptions {
  // Precompiled code, keyed by content, engine version and CPU features. Created with mode 0700;
  // refused (and not used) when others may write to it. Empty: no cache.
  std::filesystem::path cache_dir;
  // Worker threads that guests run on. 0: the processors this process may use.
  std::uint32_t worker_threads = 0;
  // Instances that may live at once; fewer where the process may not reserve that much address
  // space, which describe() then says. More wait for a place, and are `unavailable` after
  // place_wait.
  std::uint32_t max_instances = 1024;
  std::chrono::milliseconds place_wait{1000};
  // Address space per instance's memory in the pool: the ceiling of Limits::memory.
  Bytes max_memory = 4_GiB;
  // Native stack a guest may use. More is a trap, "call stack exhausted".
  Bytes stack = 1_MiB;
};

enum class ProgramKind : std::uint8_t { module, component };

// Compiled and validated code.
class Program {
 public:
  virtual ~Program() = default;
  virtual ProgramKind kind() const = 0;
  // "wasi:http/types@0.2.12", or "wasi_snapshot_preview1.fd_write" for modules.
  virtual const std::vector<std::string>& imports() const = 0;
  virtual const std::vector<std::string>& exports() const = 0;
  // "sha256:..." of the wasm bytes.
  virtual const std::string& digest() const = 0;
  // Can it be run (a command), or serve (exports wasi:http/incoming-handler)?
  virtual bool is_command() const = 0;
  virtual bool is_http_handler() const = 0;
};

// How a function that was called by name ended.
struct Invoked {
  int exit_code = 0;    // not 0 only when the function ended the program itself (proc_exit)
  std::string results;  // as text, one a line; of a component one value
};

// What a recording says of itself.
struct RecordingFacts {
  enum class What : std::uint8_t { run, invocation, exchange };
  What what = What::run;
  std::string digest;   // of the program
  std::string program;  // Recording::program
  std::string folder;   // the one in which that was its name
  // What made its machine code, as Engine::describe() begins. Another one may compute other NaNs.
  std::string engine;
  std::vector<std::string> words;  // the arguments; of an exchange its method and target
};
// Reads its beginning: corrupt_data when that is damaged, not_found, unsupported (another version;
// a file that holds nothing but why).
Result<RecordingFacts> describe_recording(const std::filesystem::path& file);

// How a replay ended.
struct Replayed {
  // `broken_off`: the recording has no end (its host was killed, its limit was reached).
  enum class Verdict : std::uint8_t { same, diverged, broken_off };
  Verdict verdict = Verdict::same;
  std::string why;  // the first call that differs and how; where it breaks off
  std::uint64_t calls = 0;
  Result<Invoked> end = Invoked{};  // the guest's
  Buffer response;                  // of an exchange, as HTTP/1.1
};

// A program with its imports resolved, ready to make instances in microseconds.
class Linked {
 public:
  virtual ~Linked() = default;

  // Runs a command. `done` gets the exit code, or why there is none; called once, on a worker.
  // Destroying the returned handle ends the run with `cancelled`.
  virtual std::unique_ptr<Running> run(Sandbox sandbox, std::function<void(Result<int>)> done) = 0;

  // Calls an exported function by name, with a text for each argument or as "add(1, 2)": numbers of
  // a module, values in WAVE of a component, whose functions are "INTERFACE/NAME" where the name
  // alone does not do. Results are text of the same form. Arguments that do not fit are told at
  // once, on the caller's thread.
  virtual std::unique_ptr<Running> invoke(Sandbox sandbox, std::string function,
                                          std::vector<std::string> arguments,
                                          std::function<void(Result<Invoked>)> done) = 0;

  // Hands one HTTP request to a fresh instance. `sink` gets the response; see http_exchange.hpp.
  virtual std::unique_ptr<HttpExchange> handle(Sandbox sandbox, HttpRequest request,
                                               std::shared_ptr<HttpResponseSink> sink) = 0;

  // An instance of a module that stays, to be called on the caller's thread; see resident.hpp.
  // unsupported: a component.
  virtual Result<std::unique_ptr<Resident>> reside(Sandbox sandbox) = 0;
  // The same of a component; see resident_component.hpp. unsupported: a module.
  virtual Result<std::unique_ptr<ResidentComponent>> reside_component(Sandbox sandbox) = 0;

  // Makes an instance and drops it: the cold start, for the bench. Blocks.
  virtual Result<std::chrono::nanoseconds> measure_start(const Sandbox& sandbox) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Compiles (or takes from the cache) and validates. Blocks; call it off the request path.
  virtual Result<std::shared_ptr<const Program>> load(ByteView wasm, std::string_view name) = 0;
  virtual Result<std::shared_ptr<const Program>> load_file(const std::filesystem::path& path) = 0;

  // Precompiled code for this machine, for `quern compile` and for images built into the binary.
  virtual Result<Buffer> precompile(ByteView wasm) = 0;
  // Loads what precompile() made. The bytes MUST come from this program or its own build: they
  // are machine code and are not verified. unsupported when made for another engine or CPU.
  virtual Result<std::shared_ptr<const Program>> load_trusted_image(ByteView image,
                                                                    ByteView wasm) = 0;

  // WASI is always there (what it may reach is the Sandbox's matter); `host` adds to it. An
  // import that nobody provides is `unsupported`, naming every one of them.
  virtual Result<std::shared_ptr<Linked>> link(std::shared_ptr<const Program> program,
                                               const HostImports& host) = 0;

  // Runs the program with the recording in the world's place: nothing of the world is linked, what
  // was printed is printed again. Of the sandbox only the outputs count. `done` is called once, on
  // a worker; an error there is one of the recording itself (corrupt_data), or `cancelled`.
  virtual std::unique_ptr<Running> replay(std::shared_ptr<const Program> program,
                                          const std::filesystem::path& recording, Sandbox sandbox,
                                          std::function<void(Result<Replayed>)> done) = 0;

  // Instances alive now; of those that stay, the ones that run.
  virtual std::uint32_t live_instances() const = 0;
  // "wasmtime 48.0.8, x86_64 with avx512f ...", and what is less than was asked for.
  virtual std::string describe() const = 0;

  static Result<std::unique_ptr<Engine>> create(EngineOptions options);
};

}  // namespace quern::wasm
