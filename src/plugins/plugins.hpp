// plugins: log records through WebAssembly that others wrote.
//
// For:     filters made for Fluent Bit, unmodified (`type = "wasm"` in [[filter]]), WASI commands
//          whose lines are records (`type = "wasm"` in [[input]]), and components with the world of
//          wit/quern-log (`type = "component"`, components.hpp). See docs/decisions/0025 and 0029.
// Refuses: losing a record because of a plugin's fault without counting it; what a plugin may see
//          beyond the paths that its table names; machine code that others compiled.
// Owns:    a filter its instances; an input its run.
// Threads: a filter's instance runs on the thread that calls apply(), one at a time. An input's
//          program runs on the engine's workers.
// Errors:  of makers: invalid_argument naming file, line and key; not_found (no such file, or no
//          such function, naming those that fit); what wasm says of a module.
//
//     logs::Makers makers;
//     plugins::add_plugins(makers, [&]() -> Result<wasm::Engine*> { return engine.get(); });
#pragma once

#include "wasm/wasm.hpp"

#include "logs/logs.hpp"
#include "plugins/components.hpp"

namespace quern::plugins {

// Asked when a table names a stage of ours: a pipeline without one needs no engine.
using EngineSource = std::function<Result<wasm::Engine*>()>;

// The engine outlives all stages that the makers make.
void add_plugins(logs::Makers& makers, EngineSource engine);

}  // namespace quern::plugins
