// `wasi:logging/logging`: one function, log(level, context, message).
//
// A line on the guest's own stdout (context "" or "stdout") or stderr. A context that other hosts
// take for a file's name is written into the line instead: a guest opens no file of the host.
#pragma once

#include "wasm/host.hpp"

#include <vector>

namespace quern::guestapi {

// As core modules import it. A level that is none, and memory that is not there, are guest_trap.
wasm::RawFunction logging_function();
// As components import it, with a version and without.
std::vector<wasm::HostInterface> logging_interfaces();

}  // namespace quern::guestapi
