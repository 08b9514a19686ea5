// What would provide an import that nobody here provides. Internal to guestapi/.
#pragma once

#include "wasm/host.hpp"

#include <vector>

namespace quern::guestapi {

// For HostImports::advice.
std::vector<wasm::ImportAdvice> import_advice();

}  // namespace quern::guestapi
