// `quern pack` and `quern compose`: components as files.
#include "package/package.hpp"

#include "base/home.hpp"
#include "base/text.hpp"
#include "base/unpack.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/model_component.hpp"
#include "cli/weights.hpp"

namespace quern::cli {
namespace {

using package::ModelCard;

constexpr Bytes kLargestGuest = 16_MiB;
constexpr Bytes kLargestText = 1_MiB;

// A trailing line end is the editor's and not the text's.
Result<std::string> system_text(const Pack& options, World& world) {
  if (options.system.empty()) return std::string();
  const Buffer text = TRY(world.files.read(options.system, kLargestText).context("--system"));
  return std::string(trim(as_text(text)));
}

}  // namespace

Result<int> pack_model(const Pack& options, World& world) {
  if (world.model_wasm.empty()) {
    return fail(ErrorKind::unsupported,
                "this build cannot pack models: it was made without guests");
  }
  const Home home = TRY(find_home(world.process));
  ModelCard card{.name = options.name.empty() ? options.output.stem().string() : options.name,
                 .system = TRY(system_text(options, world)),
                 .weights = {},
                 .adapters = {}};
  Weights weights(home, world);
  std::stop_source interrupted;
  const OnSignal on_signal =
      world.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  TRY(weights.get(options.model, interrupted.get_token()));
  const auto kept = TRY(weights.catalog().keep(options.model, interrupted.get_token()));
  card.weights = {
      .digest = kept.digest, .size = kept.size, .name = kept.name, .licence = kept.licence};
  for (const AdapterChoice& choice : options.adapters) {
    const auto adapter = TRY(weights.catalog()
                                 .keep(choice.reference, interrupted.get_token())
                                 .context("--lora " + choice.reference));
    card.adapters.push_back({.file = {.digest = adapter.digest,
                                      .size = adapter.size,
                                      .name = adapter.name,
                                      .licence = adapter.licence},
                             .scale = choice.scale});
  }
  const Buffer guest = TRY(unpack(world.model_wasm, kLargestGuest));
  const Buffer packed = TRY(package::pack(guest, card));
  TRY(world.files.write(options.output, packed));
  std::string text = options.output.string() + ": the model " + card.name + ", " +
                     to_string(Bytes{packed.size()}) + ", with the weights " + card.weights.name +
                     " (" + to_string(card.weights.size) + ", " + card.weights.digest + ")";
  for (const package::Adapter& adapter : card.adapters) {
    text += " and the adapter " + adapter.file.name + " (" + to_string(adapter) + ")";
  }
  world.console.out(text + " beside it\n");
  return kSuccess;
}

Result<int> compose_app(const Compose& options, World& world) {
  const std::string output = options.output.string();
  const std::string model_file = options.model.string();
  if (!loader::is_component(model_file)) {
    return fail(
        with_advice(Error(ErrorKind::invalid_argument, "--with " + model_file + " is no component"),
                    "quern pack " + model_file + " -o model.wasm"));
  }
  const Buffer model = TRY(world.files.read(options.model, kLargestProgram));
  const Buffer app = TRY(world.files.read(options.app, kLargestProgram));
  const Buffer whole = TRY(package::compose({.app = app, .model = model})
                               .context("putting together " + options.app.string()));
  // What the engine does not take is not written.
  const Home home = TRY(find_home(world.process));
  TRY(world.files.make_directories(home.code.parent_path()));
  const auto engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
  TRY(engine->load(whole, output).context("the two do not fit together"));
  TRY(world.files.write(options.output, whole));
  world.console.out(output + ": " + options.app.filename().string() + " with the model " +
                    options.model.filename().string() + ", " + to_string(Bytes{whole.size()}) +
                    "\n");
  return kSuccess;
}

}  // namespace quern::cli
