#include "cli/model_component.hpp"

#include "base/log.hpp"
#include "cli/exit_codes.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

void tell_missing_weights(ByteView app, const std::filesystem::path& file,
                          const ModelOptions& options) {
  if (names_models(options)) return;
  const auto outline = package::outline(app);
  if (!outline.ok()) return;
  for (const package::ModelCard& card : outline->cards) {
    std::string words = "--model " + card.weights.digest;
    for (const package::Adapter& adapter : card.adapters) words += " --lora " + to_string(adapter);
    log::warn("cli", file.string() + " holds the model " + card.name +
                         ", whose weights are not granted; " + words + " grants them");
  }
}

}  // namespace

Result<std::optional<ModelComponent>> take_component(ModelOptions& options, const Home& home,
                                                     World& world) {
  const auto at = std::ranges::find_if(options.models, [&](const std::string& reference) {
    return loader::names_pack(reference, world.files);
  });
  if (at == options.models.end()) return std::optional<ModelComponent>();
  std::string name = *at;
  if (options.models.size() > 1) {
    return fail(ErrorKind::invalid_argument,
                name +
                    " is a model component, and stands for all of a program's models: "
                    "name no other beside it");
  }
  Weights weights(home, world);
  std::stop_source interrupted;
  const OnSignal on_signal =
      world.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  loader::Found found = TRY(weights.get_pack(name, interrupted.get_token()));
  options.models = {loader::digest_of(found)};
  ModelComponent component{.name = std::move(name), .pack = *std::move(found.pack), .found = {}};
  found.pack.reset();
  component.found = std::move(found);
  return std::optional<ModelComponent>(std::move(component));
}

std::optional<loader::Found> weights_of(const std::optional<ModelComponent>& component) {
  if (!component) return std::nullopt;
  return component->found;
}

Result<std::shared_ptr<const wasm::Program>> load_composed(wasm::Engine& engine, ByteView app,
                                                           std::string_view name,
                                                           const ModelComponent& model) {
  const std::string what = std::string(name) + " with " + model.name;
  const Buffer whole = TRY(
      package::compose({.app = app, .model = model.pack.wasm}).context("putting together " + what));
  return engine.load(whole, what);
}

Result<std::shared_ptr<const wasm::Program>> load_program(
    wasm::Engine& engine, const std::filesystem::path& file, const ModelOptions& options,
    const std::optional<ModelComponent>& model, Files& files) {
  const Buffer app = TRY(files.read(file, kLargestProgram));
  tell_missing_weights(app, file, options);
  if (model) return load_composed(engine, app, file.string(), *model);
  return engine.load(app, file.string());
}

}  // namespace quern::cli
