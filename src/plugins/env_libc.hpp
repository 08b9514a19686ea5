// The C library that some plugins import from module `env`. Internal to plugins/.
#pragma once

#include "wasm/host.hpp"

#include <cstdint>

namespace quern::plugins {

// Functions over the state of a guest, which is an EnvState. Compilers do not agree on how many
// numbers `abort` takes: C's none, others one, AssemblyScript's four.
wasm::HostImports env_imports(std::uint32_t abort_parameters);

}  // namespace quern::plugins
