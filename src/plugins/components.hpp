// Filters that are components with the world of wit/quern-log. Part of plugins/plugins.hpp.
#pragma once

#include "guestapi/guestapi.hpp"
#include "wasm/wasm.hpp"

#include "logs/stage.hpp"

#include <functional>

namespace quern::plugins {

// All of it outlives the stages.
struct ComponentHost {
  wasm::Engine& engine;
  const guestapi::GuestApi& api;
  // Called before a filter is made that is granted models: they are there afterwards, or why not.
  std::function<Result<>()> need_models;
};

// `type = "component"` among the filters (docs/guides/pipelines/components.md).
void add_components(logs::Makers& makers, ComponentHost host);

// Does this program have the world of such a filter?
bool is_component_filter(const wasm::Program& program);

}  // namespace quern::plugins
