#include "loader/loader.hpp"

#include "loader/card_model.hpp"

#include <algorithm>

namespace quern::loader {
namespace {

using catalog::LocalModel;
using package::Reference;

Result<Pack> as_pack(Buffer wasm, const std::string& name) {
  auto outline = TRY(package::outline(wasm).context(name));
  if (!package::is_model(outline) || outline.cards.size() != 1) {
    return fail(ErrorKind::invalid_argument, name + " is no model: it was not made by quern pack");
  }
  return Pack{.wasm = std::move(wasm), .card = std::move(outline.cards.front())};
}

// A model of the catalog by its digest, which need not be here yet.
Result<LocalModel> known_model(const package::Weights& weights, catalog::Catalog& catalog,
                               const std::stop_token& stop, const Tell& tell) {
  const auto& known = catalog.known();
  const auto entry = std::ranges::find(known, weights.digest, &catalog::ModelEntry::digest);
  if (entry == known.end()) return fail(ErrorKind::not_found, "the catalog does not know them");
  LocalModel model = TRY(catalog.pull(entry->name, stop, tell));
  if (model.digest == weights.digest) return model;
  return fail(ErrorKind::not_found, "another release of " + entry->name + " is here");
}

// One of the files that a pack means.
Result<LocalModel> beside_file(const package::Weights& weights, const std::filesystem::path& file,
                               catalog::Catalog& catalog, const std::stop_token& stop,
                               const Tell& tell) {
  if (auto here = catalog.find(weights.digest); here.ok()) return here;
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  auto beside = catalog.find_in(folder, weights.digest, weights.size, stop);
  if (beside.ok() || beside.error().kind() == ErrorKind::cancelled) return beside;
  return known_model(weights, catalog, stop, tell)
      .context("the weights " + weights.digest + " are neither here nor beside " + file.string() +
               " as " + weights.name + ".gguf");
}

// The pack with all that its card names.
template <class Get>
Result<Found> with_files(Pack pack, Get get) {
  Found found{.weights = TRY(get(pack.card.weights)), .adapters = {}, .pack = {}};
  for (const package::Adapter& adapter : pack.card.adapters) {
    found.adapters.push_back({.file = TRY(get(adapter.file)), .scale = adapter.scale});
  }
  found.pack = std::move(pack);
  return found;
}

Result<Found> find_in_registry(std::string_view reference, const Place& place,
                               const std::stop_token& stop, const Tell& tell) {
  const Reference from = TRY(Reference::parse(reference));
  package::Registry registry(place.network,
                             {.docker_config = TRY(docker_config(place.files, place.process))});
  package::Pulled pulled = TRY(package::pull(registry, from, stop));
  Pack pack = TRY(as_pack(std::move(pulled.wasm), from.to_string()));
  return with_files(std::move(pack), [&](const package::Weights& file) {
    return fetch_weights(file, from, pulled, registry, place.catalog, stop, tell);
  });
}

// "weights+adapter": what is told of adapted weights that have no card.
std::string plain_name(const Found& found) {
  std::string name = found.weights.name;
  for (const Adapter& adapter : found.adapters) name += "+" + adapter.file.name;
  return name;
}

// The engine's own model of these weights.
Result<std::shared_ptr<inference::Model>> load_weights(inference::Engine& engine,
                                                       const Found& found) {
  std::string name = plain_name(found);
  const std::string digest = digest_of(found);
  if (auto here = engine.find(name); here.ok()) {
    if ((*here)->info().digest == digest) return here;
    // Somebody else's file of the same name.
    name = digest.empty() ? found.weights.path.string() : digest;
    if (auto other = engine.find(name); other.ok()) return other;
  }
  inference::ModelSource source{
      .name = name, .path = found.weights.path, .digest = digest, .adapters = {}};
  source.adapters.reserve(found.adapters.size());
  for (const Adapter& adapter : found.adapters) {
    source.adapters.push_back({.path = adapter.file.path, .scale = adapter.scale});
  }
  auto loaded = engine.load(std::move(source));
  // Another thread may have been faster.
  if (!loaded.ok() && loaded.error().kind() == ErrorKind::already_exists) return engine.find(name);
  return std::move(loaded).context("loading " + found.weights.name);
}

// "acme/analyst"
bool may_be_a_packs(std::string_view reference) {
  return reference.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_/") ==
             std::string_view::npos &&
         !reference.starts_with('/') && reference.find('/') != std::string_view::npos;
}

}  // namespace

bool is_component(std::string_view reference) { return reference.ends_with(".wasm"); }

bool names_pack(std::string_view reference, Files& files) {
  if (is_component(reference)) return true;
  return !reference.ends_with(".gguf") && package::looks_like_reference(reference) &&
         !files.exists(reference);
}

Result<Pack> read_pack(const std::filesystem::path& file, Files& files) {
  return as_pack(TRY(files.read(file, package::kLargestProgram)), file.string());
}

Result<Found> find_pack(std::string_view reference, const Place& place, const std::stop_token& stop,
                        const Tell& tell) {
  if (!is_component(reference)) return find_in_registry(reference, place, stop, tell);
  Pack pack = TRY(read_pack(reference, place.files));
  return with_files(std::move(pack), [&](const package::Weights& file) {
    return beside_file(file, reference, place.catalog, stop, tell).context(std::string(reference));
  });
}

Result<Found> find(std::string_view reference, const Place& place, const std::stop_token& stop,
                   const Tell& tell) {
  if (names_pack(reference, place.files)) return find_pack(reference, place, stop, tell);
  auto weights = place.catalog.pull(reference, stop, tell);
  if (!weights.ok() && weights.error().kind() == ErrorKind::not_found &&
      may_be_a_packs(reference)) {
    return fail(ErrorKind::not_found, weights.error().describe() +
                                          "; a pack is asked for with its registry, as " +
                                          "REGISTRY/" + std::string(reference));
  }
  return Found{.weights = TRY(std::move(weights)), .adapters = {}, .pack = {}};
}

Result<Adapter> find_adapter(std::string_view reference, float scale,
                             const catalog::Catalog& catalog, const std::stop_token& stop) {
  return Adapter{.file = TRY(catalog.find_hashed(reference, stop).context("the adapter")),
                 .scale = scale};
}

std::string digest_of(const Found& found) {
  if (found.weights.digest.empty()) return {};
  std::vector<package::Adapter> adapters;
  adapters.reserve(found.adapters.size());
  for (const Adapter& adapter : found.adapters) {
    adapters.push_back({.file = {.digest = adapter.file.digest}, .scale = adapter.scale});
  }
  return package::model_digest(found.weights.digest, adapters);
}

const std::string& FileNames::of(const LocalModel& file) {
  std::error_code gone;  // then loading it says so
  auto path = std::filesystem::weakly_canonical(file.path, gone);
  if (gone) path = file.path;
  const bool taken = std::ranges::any_of(
      names_, [&](const auto& known) { return known.second == file.name && known.first != path; });
  return names_.try_emplace(path, taken ? path.string() : file.name).first->second;
}

Result<std::shared_ptr<inference::Model>> open(inference::Engine& engine, const Found& found) {
  if (!found.pack) return load_weights(engine, found);
  const package::ModelCard& card = found.pack->card;
  if (!package::is_plain_pack(found.pack->wasm, card)) {
    return fail(ErrorKind::unsupported,
                card.name + " is a model with code of its own, which runs only behind a program");
  }
  return with_card(TRY(load_weights(engine, found)), card);
}

}  // namespace quern::loader
