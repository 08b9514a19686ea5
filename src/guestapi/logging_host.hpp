// `wasi:logging/logging` as core modules import it: one function, log(level, context, message).
//
// A line on the guest's own stdout (context "" or "stdout") or stderr. A context that other hosts
// take for a file's name is written into the line instead: a guest opens no file of the host.
#pragma once

#include "wasm/host.hpp"

namespace quern::guestapi {

// A level that is none, and memory that is not there, are guest_trap.
wasm::RawFunction logging_function();

}  // namespace quern::guestapi
