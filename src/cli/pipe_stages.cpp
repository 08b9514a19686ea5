#include "cli/pipe_stages.hpp"

#include "cli/late_judge.hpp"
#include "http/http.hpp"

#include "inputs/inputs.hpp"
#include "insight/insight.hpp"
#include "logs/logs.hpp"
#include "outputs/outputs.hpp"
#include "plugins/plugins.hpp"

#include <algorithm>
#include <array>

namespace quern::cli {
namespace {

// A component says so in its first eight bytes
// (https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md).
bool is_component(Files& files, const std::filesystem::path& file) {
  constexpr std::array kLayer{std::byte{0x0d}, std::byte{0}, std::byte{1}, std::byte{0}};
  const Result<Buffer> head = files.read_part(file, {0}, {8});
  return head.ok() && head->size() == 8 &&
         std::equal(kLayer.begin(), kLayer.end(), head->begin() + 4);
}

}  // namespace

PipeStages::PipeStages(World& world)
    : world_(world), network_(http::make_client({})), guests_(world) {}
PipeStages::~PipeStages() = default;

pipeline::World PipeStages::world() {
  return {.files = world_.files,
          .clock = world_.clock,
          .network = *network_,
          .process = world_.process};
}

pipeline::MakersOf PipeStages::makers_of() {
  return [this](Settings& file, const logs::StageWorld& world) -> Result<logs::Makers> {
    logs::Makers makers;
    TRY(guests_.read(file, world.beside));
    inputs::add_inputs(makers);
    outputs::add_outputs(makers);
    const auto parsers = std::make_shared<const logs::Parsers>(TRY(logs::Parsers::read(file)));
    logs::add_filters(makers, parsers);
    insight::add_filters(makers, [this](std::string_view model) { return judge_of(model); });
    makers.filters["wasm"] = [this](Settings& settings, const logs::StageWorld& stage) {
      return wasm_filter(settings, stage);
    };
    makers.filters["component"] = [this](Settings& settings, const logs::StageWorld& stage) {
      return component_filter(settings, stage);
    };
    makers.inputs["wasm"] =
        [this](Settings& settings,
               const logs::StageWorld& stage) -> Result<std::unique_ptr<logs::Input>> {
      const logs::Makers plugins = TRY(plugin_makers());
      return plugins.inputs.at("wasm")(settings, stage);
    };
    return makers;
  };
}

// The engine is made with the first guest.
Result<logs::Makers> PipeStages::plugin_makers() {
  wasm::Engine* const engine = TRY(guests_.engine());
  logs::Makers makers;
  plugins::add_plugins(makers, *engine);
  return makers;
}

Result<std::unique_ptr<logs::Filter>> PipeStages::wasm_filter(Settings& settings,
                                                              const logs::StageWorld& stage) {
  const std::string file = TRY(settings.text_or("file", ""));
  if (is_component(stage.files, stage.beside / file)) return component_filter(settings, stage);
  const logs::Makers plugins = TRY(plugin_makers());
  return plugins.filters.at("wasm")(settings, stage);
}

Result<std::unique_ptr<logs::Filter>> PipeStages::component_filter(Settings& settings,
                                                                   const logs::StageWorld& stage) {
  wasm::Engine* const engine = TRY(guests_.engine());
  return plugins::make_component_filter(
      settings, stage, {.engine = *engine, .api = guests_.api(), .need_models = [this] {
                          return guests_.need_models();
                        }});
}

Result<std::shared_ptr<insight::Judge>> PipeStages::judge_of(std::string_view model) {
  TRY(guests_.check_model(model));
  return std::make_shared<LateJudge>(std::string(model), guests_);
}

}  // namespace quern::cli
