#include "cli/weights.hpp"

#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "http/http.hpp"

#include <algorithm>

namespace quern::cli {
Weights::Weights(const Home& home, World& world)
    : world_(world),
      network_(http::make_client({})),
      catalog_({.store = home.models, .folders = home.more_models}, *network_,
               {world.files, world.clock, world.process}) {}

Weights::~Weights() = default;

Result<catalog::LocalModel> Weights::get(const std::string& reference, std::stop_token stop) {
  Result<catalog::LocalModel> here = catalog_.find(reference);
  if (here) return here;
  const Result<catalog::ModelEntry> entry = catalog_.describe(reference);
  std::string name = reference;
  if (entry) {
    name = entry->name;
    world_.console.err("Getting " + entry->title + ", " + to_string(entry->size) + ", licence " +
                       entry->licence + " (" + entry->licence_url + ")\n");
  }
  ProgressBar bar(name, world_.console, world_.clock);
  Result<catalog::LocalModel> pulled = catalog_.pull(
      reference, std::move(stop), [&](const catalog::Progress& progress) { bar.show(progress); });
  bar.finish();
  if (!pulled && pulled.error().kind() == ErrorKind::not_found) {
    return fail(with_names(std::move(pulled).error(), reference, "quern model pull"));
  }
  return pulled;
}

Result<loader::Found> Weights::get_pack(const std::string& reference, const std::stop_token& stop) {
  ProgressBar bar(reference, world_.console, world_.clock);
  auto found = loader::find_pack(
      reference,
      {.catalog = catalog_, .network = *network_, .files = world_.files, .process = world_.process},
      stop, [&](const catalog::Progress& progress) { bar.show(progress); });
  bar.finish();
  if (!found && found.error().kind() == ErrorKind::invalid_argument) {
    return fail(with_advice(std::move(found).error(), "quern inspect " + reference));
  }
  return found;
}

Result<std::vector<loader::Adapter>> Weights::get_adapters(
    const std::vector<AdapterChoice>& choices, const std::stop_token& stop) const {
  std::vector<loader::Adapter> adapters;
  adapters.reserve(choices.size());
  for (const AdapterChoice& choice : choices) {
    adapters.push_back(TRY(loader::find_adapter(choice.reference, choice.scale, catalog_, stop)));
  }
  return adapters;
}

Error Weights::with_names(Error error, const std::string& written, std::string_view command) const {
  const std::vector<std::string> near = catalog_.near(written);
  if (near.empty()) return with_advice(std::move(error), "quern model ls");
  return with_advice(std::move(error), std::string(command) + " " + near.front());
}

catalog::DefaultChoice Weights::choose_default(std::stop_token stop) {
  const auto instruct_here = [&](const catalog::LocalModel& model) {
    const Result<catalog::ModelEntry> entry = catalog_.describe(model.name);
    return entry.ok() && entry->instruct;
  };
  const std::vector<catalog::LocalModel> stored = catalog_.local();
  if (std::none_of(stored.begin(), stored.end(), instruct_here)) {
    for (const catalog::LocalModel& model : catalog_.in_folders()) {
      if (instruct_here(model)) return {.name = model.name, .reason = "it is in QUERN_MODELS"};
    }
  }
  return catalog_.choose_default(std::move(stop));
}

}  // namespace quern::cli
