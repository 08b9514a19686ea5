// Compiled instead of the llama.cpp files where llama.cpp was not built.
#include "inference/inference.hpp"

namespace quern::inference {

Result<std::unique_ptr<Engine>> Engine::create_local(EngineOptions /*options*/) {
  return fail(ErrorKind::unsupported, "this build of quern has no llama.cpp in it");
}

LibraryVersion library_version() { return {}; }

}  // namespace quern::inference
