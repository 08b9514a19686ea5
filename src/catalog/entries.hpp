// The models known by name: models.json, built in.
#pragma once

#include "base/result.hpp"
#include "catalog/catalog.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::catalog {

struct Entries {
  std::vector<ModelEntry> models;
  std::vector<std::string> defaults;  // names, best first, for who asked for nothing

  // corrupt_data: not of the form of models.json.
  static Result<Entries> parse(std::string_view json);
  // What was built in; a fault in it is found by the tests.
  static Entries built_in();

  // By name or alias, ignoring case. Null: none.
  const ModelEntry* find(std::string_view name) const;
  // The entry that has this source. Null: none.
  const ModelEntry* with_source(std::string_view source) const;
  // Names a person may have meant, best first.
  std::vector<std::string> near(std::string_view name) const;
};

}  // namespace quern::catalog
