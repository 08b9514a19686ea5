#include "catalog/entries.hpp"

#include "base/check.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>

extern "C" const std::byte quern_embed_models_json_begin[];  // NOLINT(modernize-avoid-c-arrays)
extern "C" const std::byte quern_embed_models_json_end[];    // NOLINT(modernize-avoid-c-arrays)

namespace quern::catalog {
namespace {

using Json = nlohmann::json;

ModelEntry entry_of(const Json& json) {
  ModelEntry entry;
  entry.name = json.at("name").get<std::string>();
  entry.aliases = json.at("aliases").get<std::vector<std::string>>();
  entry.title = json.at("title").get<std::string>();
  entry.licence = json.at("licence").get<std::string>();
  entry.licence_url = json.at("licence_url").get<std::string>();
  entry.size = Bytes{json.at("size").get<std::uint64_t>()};
  entry.digest = json.at("digest").get<std::string>();
  entry.instruct = json.at("instruct").get<bool>();
  entry.sources = json.at("sources").get<std::vector<std::string>>();
  return entry;
}

// How far a name is from what was typed; a name that contains it is near.
std::size_t distance(std::string_view name, std::string_view typed) {
  const std::string lower = to_lower(name);
  if (typed.size() >= 3 && lower.find(typed) != std::string::npos) return 1;
  return edit_distance(lower, typed);
}

}  // namespace

Result<Entries> Entries::parse(std::string_view text) {
  Entries entries;
  try {
    const Json json = Json::parse(text);
    entries.defaults = json.at("defaults").get<std::vector<std::string>>();
    for (const Json& model : json.at("models")) entries.models.push_back(entry_of(model));
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data, std::string("the list of models: ") + problem.what());
  }
  for (const ModelEntry& entry : entries.models) {
    if (entry.sources.empty() || (!entry.digest.empty() && !is_digest(entry.digest))) {
      return fail(ErrorKind::corrupt_data, "the list of models: " + entry.name);
    }
  }
  return entries;
}

Entries Entries::built_in() {
  auto parsed = parse(as_text({quern_embed_models_json_begin, quern_embed_models_json_end}));
  CHECK(parsed.ok(), "the built-in list of models is well-formed");
  return std::move(*parsed);
}

const ModelEntry* Entries::find(std::string_view name) const {
  const auto is_it = [&](const ModelEntry& entry) {
    return equal_ignoring_case(entry.name, name) ||
           std::any_of(entry.aliases.begin(), entry.aliases.end(),
                       [&](const std::string& alias) { return equal_ignoring_case(alias, name); });
  };
  const auto found = std::find_if(models.begin(), models.end(), is_it);
  return found == models.end() ? nullptr : &*found;
}

const ModelEntry* Entries::with_source(std::string_view source) const {
  for (const ModelEntry& entry : models) {
    if (std::find(entry.sources.begin(), entry.sources.end(), source) != entry.sources.end()) {
      return &entry;
    }
  }
  return nullptr;
}

std::vector<std::string> Entries::near(std::string_view name) const {
  constexpr std::size_t kMost = 3;
  const std::string typed = to_lower(name);
  const std::size_t too_far = std::max<std::size_t>(2, typed.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const ModelEntry& entry : models) {
    std::size_t best = distance(entry.name, typed);
    for (const std::string& alias : entry.aliases) best = std::min(best, distance(alias, typed));
    if (best <= too_far) ranked.emplace_back(best, entry.name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (const auto& [rank, near_name] : ranked) {
    if (names.size() < kMost) names.push_back(near_name);
  }
  return names;
}

}  // namespace quern::catalog
