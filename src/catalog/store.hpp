// The store directory and what is in it.
//
//   models/NAME.gguf    weights, whole and verified; placed last, removed first: without them there
//                       is no model
//   models/NAME.json    their manifest; weights never lie here without it
//   partial/NAME/       what a pull in progress, or one that was killed, has so far
//   locks/NAME.lock     held by whoever pulls or removes NAME
#pragma once

#include "base/files.hpp"
#include "base/result.hpp"
#include "catalog/catalog.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quern::catalog {

class Store {
 public:
  using Path = std::filesystem::path;

  // Both outlive the store.
  Store(Path root, Files& files) : root_(std::move(root)), files_(files) {}

  Path weights(std::string_view name) const {
    return root_ / "models" / (std::string(name) + ".gguf");
  }
  Path partial(std::string_view name) const { return root_ / "partial" / name; }
  Path lock_file(std::string_view name) const {
    return root_ / "locks" / (std::string(name) + ".lock");
  }
  const Path& root() const { return root_; }

  // not_found: no manifest, or no weights of its size. corrupt_data: a manifest that is none.
  Result<LocalModel> find(std::string_view name) const;
  std::vector<LocalModel> list() const;
  Result<LocalModel> find_digest(std::string_view digest) const;
  // Makes verified weights at `from` a model of the store: from here on find() knows it. Whoever is
  // killed before that finds them at `from`, and has nothing to download again.
  Result<> place(const Path& from, const LocalModel& model);
  // The caller holds the lock. Fine when it is not there.
  Result<> remove(std::string_view name);
  Result<> remove_partial(std::string_view name);
  Result<> prepare(std::string_view name);  // makes the directories that a pull needs

 private:
  Path manifest(std::string_view name) const {
    return root_ / "models" / (std::string(name) + ".json");
  }

  Path root_;
  Files& files_;
};

}  // namespace quern::catalog
