#include "base/home.hpp"
#include "cli/amounts.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "wasm/wasm.hpp"

namespace quern::cli {
namespace {

// The largest guest that is read; far above any real one.
constexpr Bytes kMaxGuest = 1_GiB;

}  // namespace

// Without -o the machine code goes where `quern run` and `quern serve` look for it. With -o it is
// written out for a build that carries it; nothing in Quern loads machine code from a file that is
// named by a user.
Result<int> compile(const Compile& options, World& world) {
  const Clock::Time start = world.clock.now();
  std::string result;
  if (options.output.empty()) {
    const Home home = TRY(find_home(world.process));
    TRY(world.files.make_directories(home.code.parent_path()));
    const auto engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
    const auto program = TRY(engine->load_file(options.file));
    result = options.file.string() + " will start at once: its code is in " + home.code.string();
  } else {
    const Buffer wasm = TRY(world.files.read(options.file, kMaxGuest));
    const auto engine = TRY(wasm::Engine::create({.cache_dir = {}}));
    const Buffer image = TRY(engine->precompile(wasm).context(options.file.string()));
    TRY(world.files.write(options.output, image));
    result = options.output.string() + ": " + to_string(Bytes{image.size()}) +
             " of machine code from " + to_string(Bytes{wasm.size()}) + " of WebAssembly";
  }
  const auto took = std::chrono::duration_cast<milliseconds>(world.clock.now() - start);
  world.console.out(result + ", after " + to_text(took) + "\n");
  return kSuccess;
}

}  // namespace quern::cli
