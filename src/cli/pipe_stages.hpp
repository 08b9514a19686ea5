// Which stages a pipeline of this program may have.
#pragma once

#include "cli/cli.hpp"
#include "cli/pipe_guests.hpp"

#include "insight/insight.hpp"
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
  Result<std::unique_ptr<logs::Filter>> component_filter(Settings& settings,
                                                         const logs::StageWorld& stage);

  Result<std::shared_ptr<insight::Judge>> judge_of(std::string_view model);

  World& world_;
  std::unique_ptr<Network> network_;
  PipeGuests guests_;
};

}  // namespace quern::cli
