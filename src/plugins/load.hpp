// What the kinds of stage read from their tables: the program, and what it may see. Internal to
// plugins/.
#pragma once

#include "wasm/wasm.hpp"

#include "logs/on_fault.hpp"
#include "logs/stage.hpp"

#include <cstdint>
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

enum class OutOfWork : std::uint8_t { as_fault, wait };

// What a filter does when its plugin fails, and how many instances it has.
struct WorkPolicy {
  logs::OnFault on_fault = logs::OnFault::pass;
  OutOfWork out_of_work = OutOfWork::as_fault;
  std::uint32_t instances = 1;
};
Result<WorkPolicy> work_policy(Settings& settings);

// `accessible_paths` and `writable_paths`: each is seen under the name that it has there.
Result<std::vector<wasm::Directory>> directories(Settings& settings, const logs::StageWorld& world);

}  // namespace quern::plugins
