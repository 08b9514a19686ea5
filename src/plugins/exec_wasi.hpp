// A WASI command whose lines are records. Internal to plugins/.
#pragma once

#include "plugins/plugins.hpp"

#include <memory>

namespace quern::plugins {

Result<std::unique_ptr<logs::Input>> make_exec_wasi(Settings& settings,
                                                    const logs::StageWorld& world,
                                                    const EngineSource& source);

}  // namespace quern::plugins
