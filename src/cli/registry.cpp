// `quern push`, `pull`, `sign` and `verify`.
#include "cli/registry.hpp"

#include "base/home.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/model_component.hpp"
#include "cli/progress.hpp"
#include "cli/weights.hpp"
#include "http/http.hpp"

#include "package/signature.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

using package::ModelCard;
using package::Reference;

constexpr Bytes kLargestKey = 64_KiB;
constexpr Bytes kPiece = 1_MiB;

package::OpenWeights open_weights(Weights& weights, Files& files) {
  return [&weights, &files](const package::Weights& wanted) -> Result<package::Registry::Body> {
    auto here = weights.catalog().find(wanted.digest);
    if (!here.ok()) {
      return fail(with_advice(std::move(here).error().wrap("the weights " + wanted.name),
                              "quern push --without-weights"));
    }
    return package::Registry::Body(
        [&files, path = here->path, at = std::uint64_t{0}]() mutable -> Result<Buffer> {
          Buffer piece = TRY(files.read_part(path, Bytes{at}, kPiece));
          at += piece.size();
          return piece;
        });
  };
}

// The weights of a model into the store.
Result<> get_weights(const package::Weights& file, const Reference& from,
                     const package::Pulled& pulled, const package::Registry& registry,
                     Weights& weights, World& world, const std::stop_token& stop) {
  ProgressBar bar(file.name, world.console, world.clock);
  const auto got =
      loader::fetch_weights(file, from, pulled, registry, weights.catalog(), stop,
                            [&](const catalog::Progress& progress) { bar.show(progress); });
  bar.finish();
  if (got.ok()) return {};
  if (got.error().kind() == ErrorKind::cancelled) {
    return fail(with_advice(Error(ErrorKind::cancelled, "stopped; what came so far is kept"),
                            "quern pull " + from.to_string()));
  }
  const bool without =
      std::ranges::find(pulled.manifest.layers, file.digest, &package::Descriptor::digest) ==
      pulled.manifest.layers.end();
  if (!without) return fail(got.error());
  world.console.err(failure_text(with_advice(got.error(), "quern model pull " + file.name)));
  return {};
}

// Asked for before anything is fetched.
Result<std::filesystem::path> output_of(const PullArtifact& options, const Reference& from,
                                        Files& files) {
  std::filesystem::path output = options.output;
  if (output.empty()) output = from.repository.substr(from.repository.rfind('/') + 1) + ".wasm";
  const auto there = files.stat(output);
  if (!there.ok() || !there->directory) return output;
  const std::string advice =
      "quern pull -o " + (output / "program.wasm").string() + " " + from.to_string();
  return fail(with_advice(
      Error(ErrorKind::invalid_argument, output.string() + " is a folder, and one file is pulled"),
      advice));
}

using CheckKey = Result<> (*)(std::string_view pem);

Result<std::string> key_text(const std::filesystem::path& file, CheckKey check, World& world) {
  const Buffer text = TRY(world.files.read(file, kLargestKey).context("--key"));
  TRY(check(as_text(text)).context("--key " + file.string()));
  return std::string(as_text(text));
}

}  // namespace

RegistryCall::RegistryCall(RegistryChoice choice, World& world)
    : choice_(choice),
      world_(world),
      network_(http::make_client({})),
      on_signal_(world.signals.on_signal([this](int /*signal*/) { interrupted_.request_stop(); })) {
}

Result<package::Registry> RegistryCall::registry() {
  using package::PlainHttp;
  return package::Registry(
      *network_,
      {.plain_http = choice_.plain_http ? PlainHttp::everywhere : PlainHttp::loopback_only,
       .docker_config = TRY(loader::docker_config(world_.files, world_.process))});
}

Result<int> push_artifact(const Push& options, World& world) {
  const Reference to = TRY(Reference::parse(options.reference));
  const Buffer wasm = TRY(world.files.read(options.file, package::kLargestProgram));
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  RegistryCall call(options.registry, world);
  package::Registry registry = TRY(call.registry());
  const auto report = [&](const std::string& line) { world.console.err("  " + line + "\n"); };
  const std::string digest =
      TRY(package::push(
              registry, to, wasm,
              options.without_weights ? package::OpenWeights() : open_weights(weights, world.files),
              report, call.stop())
              .context("pushing " + options.file.string()));
  world.console.out(to.to_string() + " is " + digest + "\n");
  return kSuccess;
}

Result<int> pull_artifact(const PullArtifact& options, World& world) {
  const Reference from = TRY(Reference::parse(options.reference));
  const std::filesystem::path output = TRY(output_of(options, from, world.files));
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  RegistryCall call(options.registry, world);
  package::Registry registry = TRY(call.registry());
  const package::Pulled pulled = TRY(package::pull(registry, from, call.stop()));
  // The program comes last: where it is, all that came with it is.
  for (const ModelCard& card : pulled.outline.cards) {
    for (const package::Weights& file : package::files_of(card)) {
      TRY(get_weights(file, from, pulled, registry, weights, world, call.stop()));
    }
  }
  TRY(world.files.write(output, pulled.wasm));
  world.console.out(output.string() + ": " + to_string(Bytes{pulled.wasm.size()}) + ", " +
                    from.to_string() + " is " + pulled.manifest.digest + "\n");
  return kSuccess;
}

Result<int> sign_artifact(const Sign& options, World& world) {
  const Reference what = TRY(Reference::parse(options.reference));
  const std::string key = TRY(key_text(options.key, package::check_private_key, world));
  RegistryCall call(options.registry, world);
  package::Registry registry = TRY(call.registry());
  const std::string digest = TRY(package::sign(registry, what, key, call.stop()));
  world.console.out("signed: " + what.to_string() + ", " + digest + "\n");
  return kSuccess;
}

Result<int> verify_artifact(const Verify& options, World& world) {
  const Reference what = TRY(Reference::parse(options.reference));
  const std::string key = TRY(key_text(options.key, package::check_public_key, world));
  RegistryCall call(options.registry, world);
  package::Registry registry = TRY(call.registry());
  const std::string digest = TRY(package::verify(registry, what, key, call.stop()));
  world.console.out("signed by this key: " + what.to_string() + ", " + digest + "\n");
  return kSuccess;
}

}  // namespace quern::cli
