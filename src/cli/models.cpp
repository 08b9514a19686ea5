#include "cli/models.hpp"

#include "base/stop.hpp"

#include <algorithm>
#include <utility>

namespace quern::cli {
namespace {

using Adapters = std::vector<loader::Adapter>;

Result<loader::Found> find(Weights& weights, const std::string& reference, Files& files,
                           const std::stop_token& stop) {
  if (loader::names_pack(reference, files)) return weights.get_pack(reference, stop);
  return loader::Found{.weights = TRY(weights.get(reference, stop)), .adapters = {}, .pack = {}};
}

Failure has_its_own(const std::string& pack) {
  return fail(ErrorKind::invalid_argument,
              pack + " is a pack, which names its adapters itself: --lora goes with weights");
}

// By the catalog's own name, or its card's.
Result<std::shared_ptr<inference::Model>> load_one(inference::Engine& engine, Weights& weights,
                                                   const std::string& reference,
                                                   const Adapters& adapters, Files& files,
                                                   const std::stop_token& stop) {
  loader::Found found = TRY(find(weights, reference, files, stop));
  if (found.pack && !adapters.empty()) return has_its_own(reference);
  if (!found.pack) found.adapters = adapters;
  TRY(still_wanted(stop, Deadline::never()));
  return loader::open(engine, found);
}

}  // namespace

inference::EngineOptions engine_options(const ModelOptions& options) {
  inference::EngineOptions engine;
  engine.context_tokens = options.context_tokens;
  engine.threads = options.threads;
  if (options.max_running > 0) engine.max_running = options.max_running;
  if (options.cache_tokens) engine.cache_tokens = *options.cache_tokens;
  if (options.cache_memory) engine.cache_memory = *options.cache_memory;
  return engine;
}

Models::~Models() = default;

void Models::start(ModelOptions options, const Home& home, World& world,
                   std::optional<loader::Found> here) {
  thread_ = {};  // one that failed is at its end
  const State old = std::exchange(*state_.lock(), State{});
  source_ = {.home = &home, .world = &world, .preloads = options.preloads};
  thread_ = std::jthread([this, options = std::move(options), &home, &world,
                          here = std::move(here)](const std::stop_token& stop) {
    name_this_thread("quern-load");
    Result<> outcome = options.fake_model.empty() ? load(options, home, world, here, stop)
                                                  : load_fake(options.fake_model, world);
    state_.lock()->outcome = std::move(outcome);
    changed_.notify_all();
  });
}

Result<> Models::load_fake(const std::filesystem::path& script, World& world) {
  const Buffer text = TRY(world.files.read(script, 1_MiB));
  auto lines =
      TRY(inference::parse_fake_script(as_text(text)).context("--fake-model " + script.string()));
  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("fake", std::move(lines));
  std::shared_ptr<inference::Model> model = TRY(engine->find("fake"));
  auto state = state_.lock();
  state->engine = std::move(engine);
  state->models.push_back(std::move(model));
  state->reason = "it speaks from a script";
  return {};
}

Result<> Models::load(const ModelOptions& options, const Home& home, World& world,
                      const std::optional<loader::Found>& here, const std::stop_token& stop) {
  Weights weights(home, world);
  std::vector<std::string> references = options.models;
  if (references.empty() && options.preloads.empty()) {
    catalog::DefaultChoice choice = weights.choose_default(stop);
    references.push_back(choice.name);
    state_.lock()->reason = std::move(choice.reason);
  }
  const Adapters adapters = TRY(weights.get_adapters(options.adapters, stop));
  std::unique_ptr<inference::Engine> engine =
      TRY(inference::Engine::create_local(engine_options(options)));
  inference::Engine& engine_here = *engine;
  state_.lock()->engine = std::move(engine);
  for (const std::string& reference : references) {
    const bool found = here && loader::digest_of(*here) == reference;
    if (found && !adapters.empty()) return has_its_own("the model component");
    auto model =
        TRY(found ? loader::open(engine_here, *here)
                  : load_one(engine_here, weights, reference, adapters, world.files, stop));
    if (loaded(model->info().name) != nullptr) {
      return fail(ErrorKind::already_exists,
                  "a model called '" + model->info().name + "' is loaded");
    }
    state_.lock()->models.push_back(std::move(model));
  }
  return {};
}

Result<std::shared_ptr<inference::Model>> Models::add(const std::string& reference,
                                                      const Home& home, World& world,
                                                      const std::stop_token& stop) {
  if (auto here = loaded(reference); here != nullptr) return here;
  inference::Engine* const engine = state_.lock()->engine.get();
  CHECK(engine != nullptr, "add() before wait() said ok");
  Weights weights(home, world);
  std::shared_ptr<inference::Model> model =
      TRY(load_one(*engine, weights, reference, {}, world.files, stop));
  state_.lock()->models.push_back(model);
  return model;
}

bool Models::failed() const {
  return state_.with([](const State& state) { return state.outcome && !state.outcome->ok(); });
}

Result<> Models::wait(const std::stop_token& stop, Deadline deadline) {
  auto state = state_.lock();
  TRY(wait_until(changed_, state.mutex_lock(), deadline, stop,
                 [&] { return state->outcome.has_value(); }));
  return *state->outcome;
}

std::vector<std::shared_ptr<inference::Model>> Models::all() const { return state_.lock()->models; }
std::string Models::reason() const { return state_.lock()->reason; }

std::string Models::device() const {
  return state_.with([](const State& state) {
    return state.engine == nullptr ? std::string() : state.engine->device();
  });
}

std::vector<std::string> Models::names() const {
  std::vector<std::string> names;
  for (const auto& model : all()) names.push_back(model->info().name);
  return names;
}

std::shared_ptr<inference::Model> Models::loaded(std::string_view name) const {
  for (const auto& model : all()) {
    if (model->info().name == name) return model;
  }
  return nullptr;
}

Result<std::shared_ptr<inference::Model>> Models::open(std::string_view name) {
  // A guest that waits here has a deadline of its own; this one only keeps the thread from waiting
  // for a download for ever.
  constexpr std::chrono::minutes kPatience{5};
  {
    auto state = state_.lock();
    const Result<> ready = wait_until(changed_, state.mutex_lock(), Deadline::in(kPatience), {},
                                      [&] { return state->outcome.has_value(); });
    if (!ready) return fail(ErrorKind::unavailable, "the models are still loading");
    if (!*state->outcome) return fail(state->outcome->error());
  }
  if (auto model = TRY(open_preload(name))) return model;
  if (auto model = loaded(name)) return model;
  return fail(ErrorKind::not_found, "no model \"" + std::string(name) + "\" is here");
}

Result<std::shared_ptr<inference::Model>> Models::open_preload(std::string_view name) {
  const auto& preloads = source_->preloads;
  const auto preload = std::find_if(preloads.begin(), preloads.end(), [&](const Preload& each) {
    return each.name == name || each.path == name;
  });
  if (preload == preloads.end()) return std::shared_ptr<inference::Model>();
  inference::Engine* engine = nullptr;
  {
    const auto state = state_.lock();
    const auto here = state->by_path.find(preload->path);
    if (here != state->by_path.end()) return here->second;
    engine = state->engine.get();
  }
  Weights weights(*source_->home, *source_->world);
  const std::stop_token stop = thread_.get_stop_token();
  const catalog::LocalModel local = TRY(weights.get(preload->path, stop));
  TRY(still_wanted(stop, Deadline::never()));
  auto model = TRY(
      engine
          ->load(
              {.name = preload->name, .path = local.path, .digest = local.digest, .adapters = {}})
          .context("loading " + preload->name));
  auto state = state_.lock();
  state->models.push_back(model);
  return state->by_path.emplace(preload->path, std::move(model)).first->second;
}

std::vector<inference::ModelInfo> Models::available() const {
  std::vector<inference::ModelInfo> infos;
  for (const auto& model : all()) infos.push_back(model->info());
  return infos;
}

}  // namespace quern::cli
