// Fluent Bit's wasm filter as a stage. Internal to plugins/.
#pragma once

#include "logs/stage.hpp"
#include "plugins/answer.hpp"
#include "plugins/complaints.hpp"
#include "plugins/filter_guest.hpp"
#include "plugins/load.hpp"
#include "plugins/pool.hpp"
#include "plugins/suspension.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace quern::plugins {

enum class Form : std::uint8_t { json, msgpack };

struct FilterOptions {
  GuestOptions guest;
  Form form = Form::json;
  WorkPolicy policy;
};

class WasmFilter final : public logs::Filter {
 public:
  static Result<std::unique_ptr<WasmFilter>> create(std::shared_ptr<wasm::Linked> linked,
                                                    FilterOptions options, Clock& clock);

  logs::Filtered apply(logs::Batch batch, const std::stop_token& stop) override;
  std::vector<logs::Figure> figures() const override;

 private:
  // One instance, and what is used with it.
  struct Worker {
    std::unique_ptr<FilterGuest> guest;  // null: it has to be begun anew
    std::string json;
    Buffer made;
  };

  WasmFilter(std::shared_ptr<wasm::Linked> linked, FilterOptions options, Clock& clock)
      : linked_(std::move(linked)),
        options_(std::move(options)),
        clock_(clock),
        suspension_(clock),
        complaints_(options_.guest.name, clock) {}

  bool ready(Worker& worker, const std::stop_token& stop);
  bool begin_anew(Worker& worker);
  Answer ask(Worker& worker, const logs::Entry& entry);
  Answer lost(Worker& worker, const Error& error);
  void treat(const logs::Entry& entry, const Answer& answer, logs::Filtered& out);
  void fault(const logs::Entry& entry, Fault fault, std::string_view why, logs::Filtered& out);

  const std::shared_ptr<wasm::Linked> linked_;
  const FilterOptions options_;
  Clock& clock_;
  Suspension suspension_;
  Complaints complaints_;

  Pool<Worker> workers_;

  std::array<std::atomic<std::uint64_t>, kFaults> faults_{};
  std::atomic<std::uint64_t> calls_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::atomic<std::uint64_t> begun_anew_ = 0;  // after a fault
  std::atomic<std::uint64_t> renewed_ = 0;     // near its memory's limit
};

}  // namespace quern::plugins
