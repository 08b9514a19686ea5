#include "insight/insight.hpp"
#include "insight/templates_filter.hpp"

#include <utility>

namespace quern::insight {

void add_filters(logs::Makers& makers, JudgeOf judge_of) {
  makers.filters["templates"] = TemplatesFilter::make;
  makers.filters["insight"] =
      [judge_of = std::move(judge_of)](
          Settings& settings,
          const logs::StageWorld& world) -> Result<std::unique_ptr<logs::Filter>> {
    std::shared_ptr<Judge> judge;
    if (settings.has("model")) {
      const std::string model = TRY(settings.text("model"));
      judge = TRY(judge_of(model).context("the model of " + world.name));
    }
    return std::unique_ptr<logs::Filter>(TRY(Insight::create(settings, world, std::move(judge))));
  };
}

}  // namespace quern::insight
