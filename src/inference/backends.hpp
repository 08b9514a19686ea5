// The kernels: ggml's CPU back-ends lie beside the binary, one per instruction set; the best for
// this machine is loaded. Also routes llama.cpp's log into ours (level debug).
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace quern::inference {

// Loads them once per process; later calls cost nothing. From $QUERN_LIB_DIR, else from beside the
// shared library that this code is in or ../lib/quern beside the executable, else from where this
// build's llama.cpp was put.
// unavailable: no back-end there fits this machine.
Result<> load_backends();

// The loaded CPU back-end's name, as in "cascadelake".
std::string backend_name();

// The processors that this process may run on.
std::uint32_t usable_processors();

// What llama.cpp last complained about, for error messages; clears it.
std::string take_last_complaint();

}  // namespace quern::inference
