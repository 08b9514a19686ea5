// What a component is in a registry: written as the CNCF's working group has it, read in three
// forms.
#include "base/text.hpp"

#include "package/oci_manifest.hpp"
#include "package/registry.hpp"
#include "package/tar_image.hpp"

#include <algorithm>

namespace quern::package {
namespace {

// The whole as one piece.
Registry::Body once(ByteView bytes) {
  return [bytes]() -> Result<Buffer> { return Buffer(bytes.begin(), bytes.end()); };
}

Result<> send_blob(Registry& registry, const Reference& to, const Descriptor& blob,
                   const std::function<Result<Registry::Body>()>& open, const Report& report,
                   const std::stop_token& stop) {
  const std::string what =
      blob.media_type + ", " + to_string(Bytes{blob.size}) + ", " + blob.digest;
  if (TRY(registry.has_blob(to, blob.digest, stop))) {
    report("is there already: " + what);
    return {};
  }
  const Registry::Body body = TRY(open());
  TRY(registry.put_blob(to, blob, body, stop));
  report("pushed: " + what);
  return {};
}

bool is_program(const Descriptor& layer) {
  return layer.media_type == media::kWasm || layer.media_type == media::kSpinWasm;
}

bool is_archive(const Descriptor& layer) {
  return layer.media_type.find(".tar") != std::string::npos;
}

// The one layer that holds a program; an error tells what there is instead.
Result<const Descriptor*> program_layer(const Manifest& manifest) {
  const auto programs = std::ranges::count_if(manifest.layers, is_program);
  if (programs > 1) {
    return fail(ErrorKind::unsupported,
                "it holds " + std::to_string(programs) + " programs; one can be pulled");
  }
  const auto program = std::ranges::find_if(manifest.layers, is_program);
  if (program != manifest.layers.end()) return &*program;
  const bool twin = manifest.layers.size() == 1 && is_archive(manifest.layers.front());
  if (twin) return &manifest.layers.front();
  return fail(ErrorKind::unsupported,
              "it holds no WebAssembly" +
                  (manifest.layers.empty()
                       ? std::string()
                       : ", but " + printable(manifest.layers.front().media_type, 100)));
}

// Weights beside the program must be those that its card means.
Result<> check_weights(const Manifest& manifest, const ModelCard& card) {
  for (const Weights& file : files_of(card)) {
    const auto layer = std::ranges::find(manifest.layers, file.digest, &Descriptor::digest);
    if (layer == manifest.layers.end() || layer->size == file.size.count) continue;
    return fail(ErrorKind::corrupt_data,
                "the weights " + file.digest + " have " + std::to_string(layer->size) +
                    " bytes in the manifest, and " + std::to_string(file.size.count) +
                    " in the card of the model");
  }
  return {};
}

// Of the weights and adapters of the models in it, each once.
std::vector<Descriptor> weight_layers(const Outline& outline, std::vector<Weights>& files) {
  std::vector<Descriptor> layers;
  for (const ModelCard& card : outline.cards) {
    for (const Weights& file : files_of(card)) {
      if (std::ranges::count(layers, file.digest, &Descriptor::digest) > 0) continue;
      const bool adapter = file.digest != card.weights.digest;
      layers.push_back({.media_type = std::string(adapter ? media::kAdapter : media::kWeights),
                        .digest = file.digest,
                        .size = file.size.count,
                        .annotations = {{"org.opencontainers.image.title", file.name + ".gguf"}}});
      files.push_back(file);
    }
  }
  return layers;
}

}  // namespace

Result<std::string> push(Registry& registry, const Reference& to, ByteView wasm,
                         const OpenWeights& weights, const Report& report,
                         const std::stop_token& stop) {
  if (wasm.size() > kLargestProgram.count) {
    return fail(ErrorKind::unsupported, "it has " + to_string(Bytes{wasm.size()}) + "; at most " +
                                            to_string(kLargestProgram) + " can be pulled again");
  }
  const Outline seen = TRY(outline(wasm));
  Manifest manifest;
  manifest.layers.push_back(describe(media::kWasm, wasm));
  TRY(send_blob(
      registry, to, manifest.layers.front(), [&] { return Result<Registry::Body>(once(wasm)); },
      report, stop));
  std::vector<Weights> files;
  const auto layers = weights ? weight_layers(seen, files) : std::vector<Descriptor>();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    TRY(send_blob(registry, to, layers[i], [&] { return weights(files[i]); }, report, stop));
    manifest.layers.push_back(layers[i]);
  }
  const std::string config = wasm_config(seen, manifest.layers);
  manifest.config = describe(media::kWasmConfig, as_bytes(config));
  TRY(send_blob(
      registry, to, manifest.config, [&] { return Result<Registry::Body>(once(as_bytes(config))); },
      report, stop));
  return registry.put_manifest(to, manifest_to_json(manifest), stop);
}

Result<Pulled> pull(Registry& registry, const Reference& from, const std::stop_token& stop) {
  Pulled pulled{.manifest = TRY(registry.manifest(from, stop)), .wasm = {}, .outline = {}};
  const Descriptor& layer = *TRY(program_layer(pulled.manifest).context(from.to_string()));
  pulled.wasm = TRY(registry.blob(from, layer, stop).context(from.to_string()));
  if (is_archive(layer)) pulled.wasm = TRY(wasm_in_image(pulled.wasm).context(from.to_string()));
  pulled.outline = TRY(outline(pulled.wasm).context(from.to_string()));
  for (const ModelCard& card : pulled.outline.cards) {
    TRY(check_weights(pulled.manifest, card).context(from.to_string()));
  }
  return pulled;
}

}  // namespace quern::package
