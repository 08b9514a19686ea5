#include "cli/pipe_stages.hpp"

#include "base/home.hpp"
#include "http/http.hpp"

#include "inputs/inputs.hpp"
#include "logs/logs.hpp"
#include "outputs/outputs.hpp"
#include "plugins/plugins.hpp"

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
  return [this](Settings& file, const logs::StageWorld& /*world*/) -> Result<logs::Makers> {
    logs::Makers makers;
    inputs::add_inputs(makers);
    outputs::add_outputs(makers);
    plugins::add_plugins(makers, [this] { return wasm_engine(); });
    logs::add_filters(makers,
                      std::make_shared<const logs::Parsers>(TRY(logs::Parsers::read(file))));
    return makers;
  };
}

Result<wasm::Engine*> PipeStages::wasm_engine() {
  if (wasm_engine_ == nullptr) {
    wasm::EngineOptions options;
    // Without a place for compiled code each start compiles.
    if (const auto home = find_home(world_.process); home.ok()) {
      TRY(world_.files.make_directories(home->code.parent_path()));
      options.cache_dir = home->code;
    }
    wasm_engine_ = TRY(wasm::Engine::create(options));
  }
  return wasm_engine_.get();
}

}  // namespace quern::cli
