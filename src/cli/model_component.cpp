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
    log::warn("cli", file.string() + " holds the model " + card.name +
                         ", whose weights are not granted; --model " + card.weights.digest +
                         " grants them");
  }
}

}  // namespace

bool is_component(std::string_view reference) { return reference.ends_with(".wasm"); }

Result<std::optional<ModelComponent>> take_component(ModelOptions& options, Files& files) {
  const auto found = std::ranges::find_if(options.models, is_component);
  if (found == options.models.end()) return std::optional<ModelComponent>();
  if (options.models.size() > 1) {
    return fail(ErrorKind::invalid_argument,
                *found +
                    " is a model component, and stands for all of a program's models: "
                    "name no other beside it");
  }
  ModelComponent model{
      .file = *found, .wasm = TRY(files.read(*found, kLargestProgram)), .card = {}};
  const auto outline = TRY(package::outline(model.wasm).context(*found));
  if (!package::is_model(outline) || outline.cards.size() != 1) {
    return fail(with_advice(
        Error(ErrorKind::invalid_argument, *found + " is no model: it was not made by quern pack"),
        "quern inspect " + *found));
  }
  model.card = outline.cards.front();
  options.models = {model.card.weights.digest};
  return std::optional<ModelComponent>(std::move(model));
}

Result<std::shared_ptr<const wasm::Program>> load_composed(wasm::Engine& engine, ByteView app,
                                                           std::string_view name,
                                                           const ModelComponent& model) {
  const std::string what = std::string(name) + " with " + model.file.string();
  const Buffer whole =
      TRY(package::compose({.app = app, .model = model.wasm}).context("putting together " + what));
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
