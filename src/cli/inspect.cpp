// `quern inspect`: what a program says of itself, here or in a registry.
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/model_component.hpp"
#include "cli/registry.hpp"

#include "package/package.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>

namespace quern::cli {
namespace {

using nlohmann::json;
using package::ModelCard;

constexpr std::size_t kLongestLine = std::size_t{64} << 10U;  // a card's system text fits

struct Seen {
  Buffer wasm;
  package::Outline outline;
  std::optional<package::Manifest> manifest;  // of what lies in a registry
};

json file_as_json(const package::Weights& file) {
  return {{"digest", file.digest},
          {"size_bytes", file.size.count},
          {"name", file.name},
          {"licence", file.licence}};
}

json as_json(const Seen& seen) {
  const package::Outline& outline = seen.outline;
  json models = json::array();
  for (const ModelCard& card : outline.cards) {
    json adapters = json::array();
    for (const package::Adapter& adapter : card.adapters) {
      adapters.push_back(file_as_json(adapter.file));
      adapters.back()["scale"] = adapter.scale;
    }
    models.push_back({{"name", card.name},
                      {"system", card.system},
                      {"weights", file_as_json(card.weights)},
                      {"adapters", adapters},
                      {"digest", package::model_digest(card)}});
  }
  const bool module = outline.kind == package::Outline::Kind::module;
  json told = {{"kind", module ? "module" : "component"},
               {"digest", sha256(seen.wasm)},
               {"size_bytes", seen.wasm.size()},
               {"exports", outline.exports},
               {"imports", outline.imports},
               {"models", models},
               {"grants", package::grants_for(outline)}};
  if (!seen.manifest) return told;
  told["manifest"] = seen.manifest->digest;
  for (const package::Descriptor& layer : seen.manifest->layers) {
    told["layers"].push_back(
        {{"type", layer.media_type}, {"digest", layer.digest}, {"size_bytes", layer.size}});
  }
  return told;
}

std::string list_text(std::string_view title, const std::vector<std::string>& lines) {
  std::string text;
  std::string_view head = title;
  for (const std::string& line : lines) {
    text += std::string(head) + std::string(11 - head.size(), ' ') + printable(line, kLongestLine) +
            "\n";
    head = "";
  }
  return text;
}

std::string file_as_text(const package::Weights& file) {
  std::string text = file.digest + ", " + to_string(file.size);
  for (const std::string& word : {file.name, file.licence}) {
    if (!word.empty()) text += ", " + word;
  }
  return text;
}

std::string as_text(const Seen& seen) {
  const package::Outline& outline = seen.outline;
  const bool module = outline.kind == package::Outline::Kind::module;
  std::string text = list_text("kind", {module ? "module" : "component"}) +
                     list_text("digest", {sha256(seen.wasm)}) +
                     list_text("size", {to_string(Bytes{seen.wasm.size()})}) +
                     list_text("exports", outline.exports) + list_text("imports", outline.imports);
  for (const ModelCard& card : outline.cards) {
    text += list_text("model", {card.name, file_as_text(card.weights)});
    std::vector<std::string> adapters;
    adapters.reserve(card.adapters.size());
    for (const package::Adapter& adapter : card.adapters) {
      adapters.push_back(file_as_text(adapter.file) + ", as " + to_string(adapter));
    }
    text += list_text("adapters", adapters);
    if (!card.system.empty()) {
      std::vector<std::string> lines;
      for (const std::string_view line : split(card.system, '\n')) lines.emplace_back(line);
      text += list_text("system", lines);
    }
  }
  if (seen.manifest) {
    std::vector<std::string> layers;
    for (const package::Descriptor& layer : seen.manifest->layers) {
      layers.push_back(layer.digest + ", " + to_string(Bytes{layer.size}) + ", " +
                       layer.media_type);
    }
    text += list_text("manifest", {seen.manifest->digest}) + list_text("layers", layers);
  }
  const auto grants = package::grants_for(outline);
  return text + list_text("grants", grants.empty() ? std::vector<std::string>{"none"} : grants);
}

Result<Seen> look(const Inspect& options, World& world) {
  const bool remote = !world.files.exists(options.what) && !loader::is_component(options.what) &&
                      package::looks_like_reference(options.what);
  if (!remote) {
    Buffer wasm = TRY(world.files.read(options.what, kLargestProgram));
    auto outline = TRY(package::outline(wasm).context(options.what));
    return Seen{.wasm = std::move(wasm), .outline = std::move(outline), .manifest = {}};
  }
  RegistryCall call(options.registry, world);
  const auto from = TRY(package::Reference::parse(options.what));
  package::Registry registry = TRY(call.registry());
  auto pulled = TRY(package::pull(registry, from, call.stop()));
  return Seen{.wasm = std::move(pulled.wasm),
              .outline = std::move(pulled.outline),
              .manifest = std::move(pulled.manifest)};
}

}  // namespace

Result<int> inspect(const Inspect& options, World& world) {
  const Seen seen = TRY(look(options, world));
  world.console.out(options.form == Form::json
                        ? as_json(seen).dump(2, ' ', false, json::error_handler_t::replace) + "\n"
                        : as_text(seen));
  return kSuccess;
}

}  // namespace quern::cli
