// A pipeline file, read and turned into stages that do not run yet.
#pragma once

#include "base/files.hpp"

#include "logs/stage.hpp"
#include "pipeline/plan.hpp"

#include <functional>
#include <memory>

namespace quern::pipeline {

struct World {
  Files& files;
  Clock& clock;
  Network& network;
  Process& process;
};

// Makes the makers of one file: reads of it what the pipeline does not know itself (parsers,
// models). What the makers share lives as long as a stage that has it.
using MakersOf = std::function<Result<logs::Makers>(Settings& file, const logs::StageWorld& world)>;

template <class Stage>
struct Made {
  std::unique_ptr<logs::StageWorld> world;
  std::unique_ptr<Stage> stage;
};

class Blueprint {
 public:
  // invalid_argument names file, line and key; whatever else reading a file may say.
  static Result<Blueprint> read(const std::filesystem::path& file, const MakersOf& makers_of,
                                const World& world);

  // Every stage is made once at most. Errors as of read(), and the stage's own.
  Result<Made<logs::Input>> make(InputPlan& plan);
  Result<Made<logs::Filter>> make(StagePlan& plan);
  Result<Made<logs::Output>> make(OutputPlan& plan);
  // The filter that applies an input's parser; null when it has none.
  Result<Made<logs::Filter>> make_parser(const InputPlan& plan);

  Plan plan;

 private:
  explicit Blueprint(const World& world) : world_(world) {}
  std::unique_ptr<logs::StageWorld> world_of(const std::string& stage) const;
  template <class Stage, class Map>
  Result<Made<Stage>> make_from(const Map& makers, StagePlan& plan);

  World world_;
  logs::Makers makers_;
};

}  // namespace quern::pipeline
