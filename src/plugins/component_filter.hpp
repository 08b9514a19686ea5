// A component that exports quern:log/filter, as a stage. Internal to plugins/.
#pragma once

#include "logs/stage.hpp"
#include "plugins/complaints.hpp"
#include "plugins/component_events.hpp"
#include "plugins/component_guest.hpp"
#include "plugins/component_metrics.hpp"
#include "plugins/load.hpp"
#include "plugins/pool.hpp"
#include "plugins/suspension.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace quern::plugins {

struct ComponentFilterOptions {
  WorkPolicy policy;
  CallBounds bounds;
};

class ComponentFilter final : public logs::Filter {
 public:
  // Begins every instance: what a component says of its config is known before the pipeline runs.
  static Result<std::unique_ptr<ComponentFilter>> create(ComponentPlace place,
                                                         std::shared_ptr<ComponentMetrics> metrics,
                                                         const ComponentFilterOptions& options,
                                                         Clock& clock);

  logs::Filtered apply(logs::Batch batch, const std::stop_token& stop) override;
  std::vector<logs::Figure> figures() const override;

 private:
  enum class Fault : std::uint8_t { trap, time, memory, outcomes, record, unfit, out_of_work };
  static constexpr std::array<std::string_view, 7> kFaultNames = {
      "trap", "time", "memory", "outcomes", "record", "unfit", "out_of_work"};

  struct Worker {
    std::unique_ptr<ComponentGuest> guest;  // null: it has to be begun anew
    std::string arguments;
  };
  // One call of apply().
  struct Work {
    const logs::Batch& batch;
    const std::stop_token& stop;
    Worker& worker;
    int splits;  // how often a call that trapped may still be tried in halves
    logs::Filtered out;
  };
  struct Part {
    std::size_t begin = 0;
    std::size_t count = 0;
  };

  ComponentFilter(ComponentPlace place, std::shared_ptr<ComponentMetrics> metrics,
                  const ComponentFilterOptions& options, Clock& clock)
      : place_(std::move(place)),
        metrics_(std::move(metrics)),
        options_(options),
        clock_(clock),
        suspension_(clock),
        complaints_(place_.options.name, clock) {}

  void process(Work& work, Part part);
  bool ready(Worker& worker, const std::stop_token& stop);
  bool begin_anew(Worker& worker);
  void treat(Work& work, Part part, ByteView answer);
  void lost(Work& work, Part part, const Error& error);
  void idle(Work& work, Part part);
  void fault(Work& work, Part part, Fault fault, std::string_view why);
  static std::string_view name_of(Fault fault) {
    return kFaultNames.at(static_cast<std::size_t>(fault));
  }

  const ComponentPlace place_;
  const std::shared_ptr<ComponentMetrics> metrics_;
  const ComponentFilterOptions options_;
  Clock& clock_;
  Suspension suspension_;
  Complaints complaints_;
  Pool<Worker> workers_;

  std::array<std::atomic<std::uint64_t>, kFaultNames.size()> faults_{};
  std::atomic<std::uint64_t> calls_ = 0;
  std::atomic<std::uint64_t> begun_anew_ = 0;
};

}  // namespace quern::plugins
