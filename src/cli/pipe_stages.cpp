#include "cli/pipe_stages.hpp"

#include "http/http.hpp"

#include "inputs/inputs.hpp"
#include "plugins/plugins.hpp"

namespace quern::cli {

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
    makers.filters["component"] = [this](Settings& settings, const logs::StageWorld& stage) {
      return component_filter(settings, stage);
    };
    inputs::add_inputs(makers);
    return makers;
  };
}

Result<std::unique_ptr<logs::Filter>> PipeStages::component_filter(Settings& settings,
                                                                   const logs::StageWorld& stage) {
  wasm::Engine* const engine = TRY(guests_.engine());
  return plugins::make_component_filter(
      settings, stage, {.engine = *engine, .api = guests_.api(), .need_models = [this] {
                          return guests_.need_models();
                        }});
}

}  // namespace quern::cli
