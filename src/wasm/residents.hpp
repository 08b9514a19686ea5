// Residents on the bridge. Internal to wasm/.
#pragma once

#include "wasm/bridge/bridge.h"
#include "wasm/resident.hpp"
#include "wasm/sandbox.hpp"

#include <memory>

namespace quern::wasm {

Result<std::unique_ptr<Resident>> start_resident(const qb_linked* linked, Sandbox sandbox);

}  // namespace quern::wasm
