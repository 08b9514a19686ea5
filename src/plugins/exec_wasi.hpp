// A WASI command whose lines are records. Internal to plugins/.
#pragma once

#include "wasm/wasm.hpp"

#include "logs/stage.hpp"

#include <memory>

namespace quern::plugins {

Result<std::unique_ptr<logs::Input>> make_exec_wasi(Settings& settings,
                                                    const logs::StageWorld& world,
                                                    wasm::Engine& engine);

}  // namespace quern::plugins
