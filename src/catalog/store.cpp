#include "catalog/store.hpp"

#include "base/sha256.hpp"
#include "catalog/reference.hpp"

#include <nlohmann/json.hpp>

namespace quern::catalog {
namespace {

using Json = nlohmann::json;

constexpr Bytes kMaxManifest = 64_KiB;

std::string to_json(const LocalModel& model) {
  const Json json = {{"name", model.name},       {"digest", model.digest},
                     {"size", model.size.count}, {"licence", model.licence},
                     {"source", model.source},   {"created", model.created}};
  return json.dump(2) + "\n";
}

Result<LocalModel> from_json(std::string_view text) {
  LocalModel model;
  try {
    const Json json = Json::parse(text);
    model.name = json.at("name").get<std::string>();
    model.digest = json.at("digest").get<std::string>();
    model.size = Bytes{json.at("size").get<std::uint64_t>()};
    model.licence = json.at("licence").get<std::string>();
    model.source = json.at("source").get<std::string>();
    model.created = json.at("created").get<std::uint64_t>();
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data, std::string("a manifest: ") + problem.what());
  }
  if (!is_digest(model.digest)) return fail(ErrorKind::corrupt_data, "a manifest without digest");
  return model;
}

Result<> fine_if_missing(Result<> removed) {
  if (!removed.ok() && removed.error().kind() == ErrorKind::not_found) return {};
  return removed;
}

}  // namespace

Result<LocalModel> Store::find(std::string_view name) const {
  if (!is_store_name(name)) {
    return fail(ErrorKind::not_found, "\"" + std::string(name) + "\" is not a model's name");
  }
  const Buffer text = TRY(files_.read(manifest(name), kMaxManifest));
  LocalModel model = TRY(from_json(as_text(text)).context("the model " + std::string(name)));
  model.name = name;
  model.path = weights(name);
  const FileInfo info = TRY(files_.stat(model.path));
  if (info.size != model.size) {
    return fail(ErrorKind::not_found, model.path.string() + " is " + to_string(info.size) +
                                          " and not the " + to_string(model.size) +
                                          " that were downloaded");
  }
  return model;
}

std::vector<LocalModel> Store::list() const {
  std::vector<LocalModel> models;
  const auto names = files_.list(root_ / "models");
  if (!names.ok()) return models;
  for (const std::string& file : *names) {
    if (!file.ends_with(".json")) continue;
    auto model = find(file.substr(0, file.size() - 5));
    if (model.ok()) models.push_back(std::move(*model));
  }
  return models;
}

Result<LocalModel> Store::find_digest(std::string_view digest) const {
  for (LocalModel& model : list()) {
    if (model.digest == digest) return std::move(model);
  }
  return fail(ErrorKind::not_found,
              "the weights " + std::string(digest) + " are not on this machine");
}

Result<> Store::place(const Path& from, const LocalModel& model) {
  // Older weights would otherwise lie under the new manifest for a moment.
  TRY(fine_if_missing(files_.remove(weights(model.name))));
  TRY(files_.write(manifest(model.name), as_bytes(to_json(model))));
  return files_.rename(from, weights(model.name));
}

Result<> Store::remove(std::string_view name) {
  TRY(fine_if_missing(files_.remove(weights(name))));
  TRY(fine_if_missing(files_.remove(manifest(name))));
  return remove_partial(name);
}

Result<> Store::remove_partial(std::string_view name) {
  const auto left = files_.list(partial(name));
  if (!left.ok()) return {};
  for (const std::string& file : *left) TRY(fine_if_missing(files_.remove(partial(name) / file)));
  return fine_if_missing(files_.remove(partial(name)));
}

Result<> Store::prepare(std::string_view name) {
  TRY(files_.make_directories(root_ / "models", 0755));
  TRY(files_.make_directories(root_ / "locks", 0755));
  return files_.make_directories(partial(name), 0755);
}

}  // namespace quern::catalog
