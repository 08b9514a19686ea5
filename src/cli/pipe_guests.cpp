#include "cli/pipe_guests.hpp"

#include "store/store.hpp"

#include <algorithm>
#include <utility>

namespace quern::cli {
namespace {

constexpr std::uint64_t kMostContext = 1U << 20U;

}  // namespace

Result<> PipeGuests::read(Settings& file, const std::filesystem::path& beside) {
  Model said;
  if (auto table = TRY(file.table("model")); table) {
    said.canonical = table->canonical();
    said.options.models = TRY(table->texts("names"));
    const std::string script = TRY(table->text_or("fake", ""));
    if (!script.empty()) said.options.fake_model = beside / script;
    said.options.context_tokens = static_cast<std::uint32_t>(
        TRY(table->number_or("context_tokens", 0, {.least = 0, .most = kMostContext})));
    if (said.options.models.empty() == said.options.fake_model.empty()) {
      return table->wrong("names",
                          "names the models that stages may ask: names = [\"NAME\"], or "
                          "for tests fake = \"SCRIPT\"");
    }
    TRY(table->finish());
  }
  auto model = model_.lock();
  const bool stays = model->started && !models_.failed();
  if (stays && model->canonical != said.canonical) {
    return file.wrong("model", "is read when the pipeline starts; models that are loaded stay");
  }
  if (!stays) *model = std::move(said);
  return {};
}

Result<const Home*> PipeGuests::home() {
  if (!home_) home_ = TRY(find_home(world_.process));
  return &*home_;
}

Result<wasm::Engine*> PipeGuests::engine() {
  const std::lock_guard lock(making_);
  if (engine_ != nullptr) return engine_.get();
  const Home* const home = TRY(this->home());
  TRY(world_.files.make_directories(home->code.parent_path()));
  api_ = std::make_unique<guestapi::GuestApi>(models_, store::make_sqlite_stores(home->stores));
  engine_ = TRY(wasm::Engine::create({.cache_dir = home->code}));
  return engine_.get();
}

Result<> PipeGuests::need_models(Deadline deadline, const std::stop_token& stop) {
  {
    const std::lock_guard lock(making_);
    const Home* const home = TRY(this->home());
    auto model = model_.lock();
    if (model->canonical.empty()) {
      return fail(ErrorKind::invalid_argument,
                  "the file has no [model] with the names of the models: names = [\"NAME\"]");
    }
    const bool loads = std::exchange(model->started, true);
    if (!loads || models_.failed()) models_.start(model->options, *home, world_);
  }
  return models_.wait(stop, deadline);
}

Result<> PipeGuests::check_model(std::string_view name) const {
  const ModelOptions options = model_.with([](const Model& model) { return model.options; });
  if (!options.fake_model.empty()) return {};
  if (std::ranges::find(options.models, name) != options.models.end()) return {};
  return fail(ErrorKind::invalid_argument,
              "[model] of the file has no \"" + std::string(name) + "\" among its names");
}

}  // namespace quern::cli
