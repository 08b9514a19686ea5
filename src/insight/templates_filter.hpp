// The filter `templates`: each record is told which template its line has.
#pragma once

#include "base/guarded.hpp"

#include "insight/label.hpp"
#include "insight/learned.hpp"
#include "insight/on_demand.hpp"
#include "logs/stage.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace quern::insight {

// Keys: those of LabelOptions, templates, save_every, top.
class TemplatesFilter final : public logs::Filter {
 public:
  struct Options {
    LabelOptions label;
    mining::MinerOptions miner;
    std::chrono::milliseconds save_every{60'000};  // counts; new templates within a second
    std::size_t top = 20;                          // templates with a figure of their own
  };
  static Result<std::unique_ptr<logs::Filter>> make(Settings& settings,
                                                    const logs::StageWorld& world);
  static Result<std::unique_ptr<TemplatesFilter>> create(Options options,
                                                         const logs::StageWorld& world);
  ~TemplatesFilter() override;

  logs::Filtered apply(logs::Batch batch, const std::stop_token& stop) override;
  logs::Filtered flush(logs::Due due) override;
  std::vector<logs::Figure> figures() const override;

 private:
  // Closed when nobody uses it any more.
  struct State;
  TemplatesFilter(Options options, const logs::StageWorld& world);

  const Options options_;
  const logs::StageWorld world_;
  OnDemand<State> state_;
  std::atomic<std::uint64_t> lines_ = 0;
  std::atomic<std::uint64_t> without_ = 0;     // records that have no line
  std::atomic<std::uint64_t> unlabelled_ = 0;  // while the folder was another's
  std::atomic<std::uint64_t> unsaved_ = 0;     // writes that failed
};

// Keys "templates" and "line_bytes" of what learns templates.
Result<mining::MinerOptions> read_miner_options(Settings& settings);

// Templates by their number of lines, at most `top`, as figures.
std::vector<logs::Figure> template_figures(const mining::Miner& miner, std::size_t top);

}  // namespace quern::insight
