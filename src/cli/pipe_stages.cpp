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
#include <utility>

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

PipeStages::PipeStages(World& world, std::stop_token stop)
    : world_(world),
      stop_(std::move(stop)),
      network_(http::make_client({.idle_connections = 32})),
      guests_(world) {}
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
    plugins::add_plugins(makers, [this] { return guests_.engine(); });
    makers.filters["component"] = [this](Settings& settings, const logs::StageWorld& stage) {
      return component_filter(settings, stage);
    };
    // Whoever has a file need not know which of the two doors it takes.
    makers.filters["wasm"] = [this, module = makers.filters.at("wasm")](
                                 Settings& settings, const logs::StageWorld& stage) {
      const Result<std::string> wasm = settings.text_or("file", "");
      if (wasm.ok() && is_component(stage.files, stage.beside / *wasm))
        return component_filter(settings, stage);
      return module(settings, stage);
    };
    return makers;
  };
}

Result<std::unique_ptr<logs::Filter>> PipeStages::component_filter(Settings& settings,
                                                                   const logs::StageWorld& stage) {
  wasm::Engine* const engine = TRY(guests_.engine());
  return plugins::make_component_filter(
      settings, stage, {.engine = *engine, .api = guests_.api(), .need_models = [this] {
                          return guests_.need_models(Deadline::never(), stop_);
                        }});
}

Result<std::shared_ptr<insight::Judge>> PipeStages::judge_of(std::string_view model) {
  TRY(guests_.check_model(model));
  return std::make_shared<LateJudge>(std::string(model), guests_);
}

}  // namespace quern::cli
