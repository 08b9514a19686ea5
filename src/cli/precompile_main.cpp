// A tool of the build: quern_precompile IN.wasm OUT makes the machine code that is embedded beside
// the chat component, for the processor that builds.
#include "base/files.hpp"
#include "wasm/wasm.hpp"

#include <cstdio>

namespace {

quern::Result<> precompile(const char* in, const char* out) {
  using namespace quern;
  RealFiles files;
  const Buffer wasm = TRY(files.read(in, 1_GiB));
  const auto engine = TRY(wasm::Engine::create({.cache_dir = {}}));
  return files.write(out, TRY(engine->precompile(wasm)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const quern::Result<> done = precompile(argv[1], argv[2]);
  if (done) return 0;
  std::fprintf(stderr, "quern_precompile: %s\n", done.error().describe().c_str());
  return 1;
}
