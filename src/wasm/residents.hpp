// Residents on the bridge. Internal to wasm/.
#pragma once

#include "wasm/bridge/bridge.h"
#include "wasm/resident.hpp"
#include "wasm/resident_component.hpp"
#include "wasm/sandbox.hpp"

#include <memory>

namespace quern::wasm {

Result<std::unique_ptr<Resident>> start_resident(const qb_linked* linked, Sandbox sandbox);
Result<std::unique_ptr<ResidentComponent>> start_component(const qb_linked* linked,
                                                           Sandbox sandbox);

}  // namespace quern::wasm
