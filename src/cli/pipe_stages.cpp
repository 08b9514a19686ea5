#include "cli/pipe_stages.hpp"

#include "http/http.hpp"

#include "inputs/inputs.hpp"
#include "logs/logs.hpp"
#include "outputs/outputs.hpp"
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

// Of stages that are wasm: an engine is made when the first one is.
template <class Stage>
logs::Maker<Stage> PipeStages::of_guests(MakersByType<Stage> logs::Makers::* kind,
                                         std::string type) {
  return [this, kind, type = std::move(type)](
             Settings& settings, const logs::StageWorld& stage) -> Result<std::unique_ptr<Stage>> {
    wasm::Engine* const engine = TRY(guests_.engine());
    logs::Makers makers;
    plugins::add_plugins(makers, *engine);
    plugins::add_components(makers, {.engine = *engine,
                                     .api = guests_.api(),
                                     .need_models = [this] { return guests_.need_models(); }});
    return (makers.*kind).at(type)(settings, stage);
  };
}

pipeline::MakersOf PipeStages::makers_of() {
  return [this](Settings& file, const logs::StageWorld& world) -> Result<logs::Makers> {
    logs::Makers makers;
    TRY(guests_.read(file, world.beside));
    makers.filters["component"] = of_guests(&logs::Makers::filters, "component");
    makers.filters["wasm"] = of_guests(&logs::Makers::filters, "wasm");
    makers.inputs["wasm"] = of_guests(&logs::Makers::inputs, "wasm");
    inputs::add_inputs(makers);
    outputs::add_outputs(makers);
    logs::add_filters(makers,
                      std::make_shared<const logs::Parsers>(TRY(logs::Parsers::read(file))));
    return makers;
  };
}

}  // namespace quern::cli
