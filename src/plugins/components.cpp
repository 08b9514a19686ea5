// From a table of a pipeline's file to a filter.
#include "plugins/components.hpp"

#include "plugins/component_filter.hpp"
#include "plugins/env_state.hpp"
#include "plugins/load.hpp"

#include <algorithm>
#include <utility>

namespace quern::plugins {
namespace {

constexpr std::string_view kFilter = "quern:log/filter@0.1";
constexpr std::uint64_t kMostTokens = 1'000'000'000'000;

Result<ComponentFilterOptions> filter_options(Settings& settings) {
  ComponentFilterOptions options;
  options.policy = TRY(work_policy(settings));
  options.bounds.records = static_cast<std::size_t>(
      TRY(settings.number_or("batch", options.bounds.records, {.least = 1, .most = 4096})));
  return options;
}

Result<guestapi::Grants> grants(Settings& settings, const logs::StageWorld& world) {
  guestapi::Grants grants;
  grants.models = TRY(settings.texts("models"));
  grants.tokens = TRY(settings.number_or("tokens", 0, {.least = 0, .most = kMostTokens}));
  grants.net = TRY(settings.texts("net"));
  for (const auto& [label, place] : TRY(settings.pairs("stores"))) {
    auto store = guestapi::parse_store(label, place);
    if (!store.ok()) return settings.wrong("stores", store.error().message());
    grants.stores.push_back(*std::move(store));
  }
  grants.files = TRY(directories(settings, world));
  grants.limits.memory = TRY(settings.bytes_or("memory", 64_MiB));
  grants.limits.cpu = TRY(settings.duration_or("time", std::chrono::seconds(1)));
  grants.limits.wall = TRY(settings.duration_or("wait", std::chrono::seconds(60)));
  // What it prints goes to the log line by line, a few a second; an instance lives for ever.
  grants.limits.output = {UINT64_MAX};
  return grants;
}

Result<ComponentOptions> component_options(Settings& settings, const logs::StageWorld& world) {
  ComponentOptions options{
      .name = world.name, .grants = TRY(grants(settings, world)), .config = {}};
  options.config = TRY(settings.pairs("config"));
  std::ranges::sort(options.config);
  for (const auto& [name, value] : options.config) {
    TRY(guestapi::set_config(options.grants, name, value));
  }
  return options;
}

Failure no_filter(Settings& settings, const LoadedProgram& loaded) {
  const bool module = loaded.program->kind() == wasm::ProgramKind::module;
  return settings.wrong(
      loaded.key, module ? "is a module, not a component: type = \"wasm\" runs modules made for "
                           "Fluent Bit"
                         : "is no filter: it does not export quern:log/filter@0.1");
}

}  // namespace

Result<std::unique_ptr<logs::Filter>> make_component_filter(Settings& settings,
                                                            const logs::StageWorld& world,
                                                            const ComponentHost& host) {
  const LoadedProgram loaded = TRY(load(settings, world, host.engine));
  if (!is_component_filter(*loaded.program)) return no_filter(settings, loaded);
  const ComponentFilterOptions options = TRY(filter_options(settings));
  ComponentOptions component = TRY(component_options(settings, world));
  if (!component.grants.models.empty()) {
    const Result<> there = host.need_models();
    if (!there.ok()) return settings.wrong("models", there.error().describe());
  }
  auto metrics = std::make_shared<ComponentMetrics>();
  wasm::HostImports imports = host.api.imports();
  imports.interfaces.push_back(metrics_interface(metrics));
  auto linked = host.engine.link(loaded.program, imports);
  if (!linked.ok()) return settings.wrong(loaded.key, linked.error().describe());
  auto filter = ComponentFilter::create({.linked = *std::move(linked),
                                         .api = host.api,
                                         .options = std::move(component),
                                         .output = std::make_shared<EnvState>(world.name)},
                                        std::move(metrics), options, world.clock);
  if (!filter.ok()) {
    const bool config = filter.error().kind() == ErrorKind::invalid_argument;
    return settings.wrong(config ? "config" : loaded.key, filter.error().describe());
  }
  return std::unique_ptr<logs::Filter>(*std::move(filter));
}

bool is_component_filter(const wasm::Program& program) {
  return std::ranges::any_of(program.exports(),
                             [](const std::string& name) { return name.starts_with(kFilter); });
}

}  // namespace quern::plugins
