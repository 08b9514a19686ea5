// A model that was packed as a component, where the name of weights could stand as well:
// `quern --model analyst.wasm`. Whatever program runs, the component is put between it and the
// weights, which are asked for by their digest.
#pragma once

#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "cli/weights.hpp"
#include "wasm/wasm.hpp"

#include "loader/loader.hpp"
#include "package/package.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace quern::cli {

struct ModelComponent {
  std::string name;  // as it was asked for: a file or a registry's reference
  loader::Pack pack;
  loader::Found found;  // the weights and adapters; without the pack
};

// The component among `options`, if there is one: its weights' digest takes its place there. What
// lies in a registry is fetched, and so are weights that are not here. invalid_argument: several
// models and one of them a component; a component that is no model.
Result<std::optional<ModelComponent>> take_component(ModelOptions& options, const Home& home,
                                                     World& world);

// Where the component's weights lie.
std::optional<loader::Found> weights_of(const std::optional<ModelComponent>& component);

// A program with the component as its model; the program as it is without one. The log says which
// weights a composed program means, where `options` grant it none.
Result<std::shared_ptr<const wasm::Program>> load_program(
    wasm::Engine& engine, const std::filesystem::path& file, const ModelOptions& options,
    const std::optional<ModelComponent>& model, Files& files);
Result<std::shared_ptr<const wasm::Program>> load_composed(wasm::Engine& engine, ByteView app,
                                                           std::string_view name,
                                                           const ModelComponent& model);

// The largest program that is read; far above any real one.
inline constexpr Bytes kLargestProgram = 1_GiB;

}  // namespace quern::cli
