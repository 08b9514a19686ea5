// Components as the tests have them: made by the toolchain where it is, and by hand.
#pragma once

#include "base/check.hpp"
#include "base/files.hpp"

#include "package/package.hpp"

namespace quern::package::test {

#ifdef QUERN_MODEL_WASM
inline Buffer file(const char* path) {
  RealFiles files;
  return *files.read(path, 64_MiB);
}
inline Buffer model_guest() { return file(QUERN_MODEL_WASM); }
inline Buffer probe_guest() { return file(QUERN_PROBE_WASM); }
#endif

inline ModelCard card() {
  return {.name = "acme/analyst",
          .system = "Answer in one word.",
          .weights = {.digest = "sha256:" + std::string(64, 'a'),
                      .size = Bytes{1234},
                      .name = "small",
                      .licence = "Apache-2.0"}};
}

}  // namespace quern::package::test
