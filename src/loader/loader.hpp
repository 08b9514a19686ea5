// loader: from what a person names to a model that answers.
//
// For:     what host programs (capi), the terminal and services (cli) load alike: names, files and
//          addresses of the catalog, and packs: components that `quern pack` made, as files or in
//          a registry. Weights of packs are found by their digest or fetched.
// Refuses: running a pack's code (cli composes programs with it), writing to registries, progress
//          bars and advice about commands.
// Owns:    nothing; a model that was opened keeps its engine's model.
// Threads: any; what finds blocks its caller for as long as fetching takes.
// Errors:  not_found (no such model, or weights that are nowhere), invalid_argument (a component
//          that is no pack), unsupported (a pack with code of its own), and those of catalog,
//          package and inference.
//
//     const Found found = TRY(find("ghcr.io/acme/analyst:1", place, stop, {}));
//     const auto model = TRY(open(*engine, found));
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/network.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "catalog/catalog.hpp"
#include "inference/inference.hpp"

#include "package/package.hpp"
#include "package/registry.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::loader {

// Where models are looked for; all of it outlives the call.
struct Place {
  catalog::Catalog& catalog;
  Network& network;
  Files& files;
  const Process& process;
};

// A component that is a model and says which: its card is in it.
struct Pack {
  Buffer wasm;
  package::ModelCard card;
};

// LoRA weights on this disk.
struct Adapter {
  catalog::LocalModel file;  // its digest is known
  float scale = 1;
};

struct Found {
  catalog::LocalModel weights;
  std::vector<Adapter> adapters;
  std::optional<Pack> pack;
};

// What the model is known by (package::model_digest); empty where the weights' is not known.
std::string digest_of(const Found& found);

using Tell = std::function<void(const catalog::Progress&)>;

// A file of WebAssembly by its name, "analyst.wasm"?
bool is_component(std::string_view reference);
// Is this the name of a pack, and not of weights: such a file, or a registry's reference where no
// file lies?
bool names_pack(std::string_view reference, Files& files);

// The pack in a file. invalid_argument: it has no card, or is no model.
Result<Pack> read_pack(const std::filesystem::path& file, Files& files);

// A pack with its weights and adapters. Those of a file: of the catalog's store by their digest;
// beside the file as NAME.gguf; else fetched where the catalog knows the model. Those in a
// registry: of the store, or that registry's. not_found: they are nowhere.
Result<Found> find_pack(std::string_view reference, const Place& place, const std::stop_token& stop,
                        const Tell& tell);
// A pack, or whatever the catalog takes.
Result<Found> find(std::string_view reference, const Place& place, const std::stop_token& stop,
                   const Tell& tell);

// An adapter as it is asked for: a file, or a name or digest of the store. `scale`: finite, not 0.
Result<Adapter> find_adapter(std::string_view reference, float scale,
                             const catalog::Catalog& catalog, const std::stop_token& stop);

// Loads the weights with their adapters, unless the engine has them: those of their digest, or
// without one of their name (FileNames tells plain files apart). Of a pack: a model that has
// the card's name and begins every conversation with its text, as the component itself does
// (guests/model).
Result<std::shared_ptr<inference::Model>> open(inference::Engine& engine, const Found& found);

// What plain files, of which no digest is known, are called in one engine. One call at a time.
class FileNames {
 public:
  // The file's own name, or its path where another one has that name already.
  const std::string& of(const catalog::LocalModel& file);

 private:
  std::map<std::filesystem::path, std::string> names_;
};

// ---- registries ----------------------------------------------------------------------------

// The text of docker's configuration, from DOCKER_CONFIG or ~/.docker; empty when there is none.
Result<std::string> docker_config(Files& files, const Process& process);
// The weights of a model that was pulled: of the catalog's store, or now out of the registry.
// not_found: it came without them.
Result<catalog::LocalModel> fetch_weights(const package::Weights& weights,
                                          const package::Reference& from,
                                          const package::Pulled& pulled,
                                          const package::Registry& registry,
                                          catalog::Catalog& catalog, const std::stop_token& stop,
                                          const Tell& tell);

}  // namespace quern::loader
