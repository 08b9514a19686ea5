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
  const auto layer = std::ranges::find(manifest.layers, card.weights.digest, &Descriptor::digest);
  if (layer == manifest.layers.end() || layer->size == card.weights.size.count) return {};
  return fail(ErrorKind::corrupt_data,
              "the weights " + card.weights.digest + " have " + std::to_string(layer->size) +
                  " bytes in the manifest, and " + std::to_string(card.weights.size.count) +
                  " in the card of the model");
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
  for (const ModelCard& card : weights ? seen.cards : std::vector<ModelCard>()) {
    const Descriptor layer{
        .media_type = std::string(media::kWeights),
        .digest = card.weights.digest,
        .size = card.weights.size.count,
        .annotations = {{"org.opencontainers.image.title", card.weights.name + ".gguf"}}};
    TRY(send_blob(registry, to, layer, [&] { return weights(card.weights); }, report, stop));
    manifest.layers.push_back(layer);
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
