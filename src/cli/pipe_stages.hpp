// Which stages a pipeline of this program may have.
#pragma once

#include "cli/cli.hpp"
#include "cli/pipe_guests.hpp"

#include "insight/insight.hpp"
#include "pipeline/pipeline.hpp"

#include <memory>
#include <stop_token>

namespace quern::cli {

// What stages of one program share, made when the first one needs it; it lives as long as the
// pipeline.
class PipeStages {
 public:
  // Stages are made until `stop`: what waits for a model then ends with cancelled. One that cannot
  // be asked to stop lets them wait.
  PipeStages(World& world, std::stop_token stop);
  ~PipeStages();

  pipeline::MakersOf makers_of();
  pipeline::World world();

 private:
  Result<std::unique_ptr<logs::Filter>> component_filter(Settings& settings,
                                                         const logs::StageWorld& stage);

  Result<std::shared_ptr<insight::Judge>> judge_of(std::string_view model);

  World& world_;
  const std::stop_token stop_;
  std::unique_ptr<Network> network_;
  PipeGuests guests_;
};

}  // namespace quern::cli
