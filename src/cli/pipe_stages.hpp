// Which stages a pipeline of this program may have.
#pragma once

#include "cli/cli.hpp"
#include "cli/pipe_guests.hpp"

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
  template <class Stage>
  using MakersByType = std::map<std::string, logs::Maker<Stage>, std::less<>>;
  template <class Stage>
  logs::Maker<Stage> of_guests(MakersByType<Stage> logs::Makers::* kind, std::string type);

  World& world_;
  std::unique_ptr<Network> network_;
  PipeGuests guests_;
};

}  // namespace quern::cli
