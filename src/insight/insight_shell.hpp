// An Insight: what the file says, and its state as long as it has the folder.
#pragma once

#include "insight/insight_parts.hpp"
#include "insight/on_demand.hpp"

#include <utility>

namespace quern::insight {

struct InsightShell {
  InsightShell(InsightOptions options, Rules rules, std::vector<ActionOptions> actions,
               std::shared_ptr<Judge> judge, const logs::StageWorld& world)
      : setup{.options = std::move(options),
              .rules = std::move(rules),
              .actions = std::move(actions),
              .judge = std::move(judge),
              .world = world},
        state(world, [this] { return InsightParts::open(setup); }) {}

  InsightSetup setup;
  OnDemand<InsightParts> state;
};

}  // namespace quern::insight
