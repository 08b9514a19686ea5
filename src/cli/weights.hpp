// From what a person wrote after --model to weights on this disk, with a progress bar between.
#pragma once

#include "base/home.hpp"
#include "catalog/catalog.hpp"
#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "inference/inference.hpp"

#include "loader/loader.hpp"

#include <memory>
#include <stop_token>

namespace quern::cli {

// The catalog on the real network, and the folders of QUERN_MODELS.
class Weights {
 public:
  Weights(const Home& home, World& world);
  ~Weights();

  // Already here, or downloaded now.
  Result<catalog::LocalModel> get(const std::string& reference, std::stop_token stop);
  // A pack with its weights, fetched now where they are not here.
  Result<loader::Found> get_pack(const std::string& reference, const std::stop_token& stop);
  // LoRA adapters that are here.
  Result<std::vector<loader::Adapter>> get_adapters(const std::vector<AdapterChoice>& choices,
                                                    const std::stop_token& stop) const;
  // An error about a name that is not known, with advice: `command` and the nearest name, or where
  // names are listed.
  Error with_names(Error error, const std::string& written, std::string_view command) const;
  // What to use when nobody named a model, and why.
  catalog::DefaultChoice choose_default(std::stop_token stop);
  catalog::Catalog& catalog() { return catalog_; }

 private:
  World& world_;
  const std::unique_ptr<Network> network_;
  catalog::Catalog catalog_;
};

}  // namespace quern::cli
