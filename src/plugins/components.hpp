// Filters that are components with the world of wit/quern-log. Part of plugins/plugins.hpp.
#pragma once

#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include "logs/stage.hpp"

#include <functional>
#include <memory>

namespace quern::plugins {

// All of it outlives the stages.
struct ComponentHost {
  wasm::Engine& engine;
  const guestapi::GuestApi& api;
  // Called before a filter is made that is granted models: they are there afterwards, or why not.
  std::function<Result<>()> need_models;
};

// `type = "component"` (docs/guides/pipelines/components.md). Errors as a maker has them.
Result<std::unique_ptr<logs::Filter>> make_component_filter(Settings& settings,
                                                            const logs::StageWorld& world,
                                                            const ComponentHost& host);

// Does this program have the world of such a filter?
bool is_component_filter(const wasm::Program& program);

}  // namespace quern::plugins
