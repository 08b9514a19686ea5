// Packs and their weights out of registries.
#include "loader/loader.hpp"

#include <algorithm>

namespace quern::loader {
namespace {

constexpr Bytes kLargestConfig = 4_MiB;

}  // namespace

Result<std::string> docker_config(Files& files, const Process& process) {
  std::filesystem::path folder;
  if (const auto named = process.env("DOCKER_CONFIG")) {
    folder = *named;
  } else if (const auto home = process.env("HOME")) {
    folder = std::filesystem::path(*home) / ".docker";
  }
  const std::filesystem::path file = folder / "config.json";
  if (folder.empty() || !files.exists(file)) return std::string();
  const Buffer text = TRY(files.read(file, kLargestConfig));
  return std::string(as_text(text));
}

Result<catalog::LocalModel> fetch_weights(const package::Weights& weights,
                                          const package::Reference& from,
                                          const package::Pulled& pulled,
                                          const package::Registry& registry,
                                          catalog::Catalog& catalog, const std::stop_token& stop,
                                          const Tell& tell) {
  const auto& layers = pulled.manifest.layers;
  const auto layer = std::ranges::find(layers, weights.digest, &package::Descriptor::digest);
  if (layer != layers.end()) {
    return catalog.fetch({.digest = weights.digest,
                          .size = weights.size,
                          .licence = weights.licence,
                          .source = from.to_string(),
                          .request = registry.blob_request(from, weights.digest)},
                         stop, tell);
  }
  if (auto here = catalog.find(weights.digest); here.ok()) return here;
  return fail(ErrorKind::not_found,
              from.to_string() + " comes without its weights, " + weights.digest);
}

}  // namespace quern::loader
