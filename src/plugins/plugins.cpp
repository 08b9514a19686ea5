// From a table of a pipeline's file to a stage. Keys are those of Fluent Bit's filter_wasm where it
// has them (https://docs.fluentbit.io/manual/pipeline/filters/wasm).
#include "plugins/plugins.hpp"

#include "plugins/env_libc.hpp"
#include "plugins/exec_wasi.hpp"
#include "plugins/load.hpp"
#include "plugins/wasm_filter.hpp"

#include <algorithm>
#include <utility>

namespace quern::plugins {
namespace {

Result<FilterOptions> filter_options(Settings& settings, const logs::StageWorld& world) {
  FilterOptions options;
  options.guest.name = world.name;
  options.guest.function = TRY(settings.text("function_name"));
  options.form = TRY(settings.one_of("event_format", {"json", "msgpack"})) == "json"
                     ? Form::json
                     : Form::msgpack;
  options.policy = TRY(work_policy(settings));
  options.guest.memory = TRY(settings.bytes_or("memory", options.guest.memory));
  options.guest.time = TRY(settings.duration_or("time", options.guest.time));
  options.guest.start = TRY(settings.duration_or("start_time", options.guest.start));
  options.guest.directories = TRY(directories(settings, world));
  return options;
}

// With the `abort` that this module's compiler knows.
Result<std::shared_ptr<wasm::Linked>> link(wasm::Engine& engine,
                                           const std::shared_ptr<const wasm::Program>& program) {
  auto linked = engine.link(program, env_imports(0));
  for (const std::uint32_t parameters : {1U, 4U}) {
    if (linked.ok() || !std::ranges::count(program->imports(), "env.abort")) break;
    if (auto other = engine.link(program, env_imports(parameters)); other.ok()) return other;
  }
  return linked;
}

Result<std::unique_ptr<logs::Filter>> make_filter(Settings& settings, const logs::StageWorld& world,
                                                  const EngineSource& source) {
  FilterOptions options = TRY(filter_options(settings, world));
  wasm::Engine& engine = *TRY(source());
  const LoadedProgram loaded = TRY(load(settings, world, engine));
  if (loaded.program->kind() == wasm::ProgramKind::component) {
    return settings.wrong(loaded.key, "is a component; a filter of this type is a module");
  }
  auto linked = link(engine, loaded.program);
  if (!linked.ok()) return settings.wrong(loaded.key, linked.error().describe());
  auto filter = WasmFilter::create(*std::move(linked), std::move(options), world.clock);
  if (filter.ok()) return std::unique_ptr<logs::Filter>(*std::move(filter));
  const bool name = filter.error().kind() == ErrorKind::not_found;
  return settings.wrong(name ? "function_name" : loaded.key, filter.error().describe());
}

}  // namespace

void add_plugins(logs::Makers& makers, EngineSource engine) {
  makers.inputs["wasm"] = [engine](Settings& settings, const logs::StageWorld& world) {
    return make_exec_wasi(settings, world, engine);
  };
  makers.filters["wasm"] = [engine = std::move(engine)](Settings& settings,
                                                        const logs::StageWorld& world) {
    return make_filter(settings, world, engine);
  };
}

}  // namespace quern::plugins
