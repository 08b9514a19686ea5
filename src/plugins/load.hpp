// What both kinds of stage read from their tables: the program, and what it may see. Internal to
// plugins/.
#pragma once

#include "wasm/wasm.hpp"

#include "logs/stage.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace quern::plugins {

struct LoadedProgram {
  std::shared_ptr<const wasm::Program> program;
  std::string_view key;  // the one that named it
};
// The file under `wasm_path` or `file`.
Result<LoadedProgram> load(Settings& settings, const logs::StageWorld& world, wasm::Engine& engine);

// `accessible_paths` and `writable_paths`: each is seen under the name that it has there.
Result<std::vector<wasm::Directory>> directories(Settings& settings, const logs::StageWorld& world);

}  // namespace quern::plugins
