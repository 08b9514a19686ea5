// Which stages a pipeline of this program may have.
#pragma once

#include "cli/cli.hpp"
#include "wasm/wasm.hpp"

#include "pipeline/pipeline.hpp"

#include <memory>

namespace quern::cli {

// What stages of one program share, made when the first one needs it; it lives as long as the
// pipeline.
class PipeStages {
 public:
  explicit PipeStages(World& world);
  ~PipeStages();

  pipeline::MakersOf makers_of();
  pipeline::World world();

 private:
  Result<wasm::Engine*> wasm_engine();

  World& world_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<wasm::Engine> wasm_engine_;  // null: no stage needed it
};

}  // namespace quern::cli
