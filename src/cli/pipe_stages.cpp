#include "cli/pipe_stages.hpp"

#include "http/http.hpp"

#include "inputs/inputs.hpp"
#include "logs/logs.hpp"
#include "outputs/outputs.hpp"

namespace quern::cli {

PipeStages::PipeStages(World& world) : world_(world), network_(http::make_client({})) {}
PipeStages::~PipeStages() = default;

pipeline::World PipeStages::world() {
  return {.files = world_.files,
          .clock = world_.clock,
          .network = *network_,
          .process = world_.process};
}

pipeline::MakersOf PipeStages::makers_of() {
  return [](Settings& file, const logs::StageWorld& /*world*/) -> Result<logs::Makers> {
    logs::Makers makers;
    inputs::add_inputs(makers);
    outputs::add_outputs(makers);
    logs::add_filters(makers,
                      std::make_shared<const logs::Parsers>(TRY(logs::Parsers::read(file))));
    return makers;
  };
}

}  // namespace quern::cli
