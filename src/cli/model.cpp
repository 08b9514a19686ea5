#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/weights.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace quern::cli {
namespace {

using catalog::LocalModel;
using catalog::ModelEntry;
using nlohmann::json;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

json as_json(const LocalModel& model) {
  return {{"name", model.name},
          {"path", model.path.string()},
          {"size_bytes", model.size.count},
          {"digest", model.digest},
          {"licence", model.licence},
          {"source", model.source},
          {"created", model.created},
          {"here", true}};
}

json as_json(const ModelEntry& entry) {
  return {{"name", entry.name},
          {"aliases", entry.aliases},
          {"title", entry.title},
          {"licence", entry.licence},
          {"licence_url", entry.licence_url},
          {"size_bytes", entry.size.count},
          {"digest", entry.digest},
          {"instruct", entry.instruct},
          {"sources", entry.sources}};
}

std::vector<LocalModel> all_here(Weights& weights) {
  std::vector<LocalModel> models = weights.catalog().local();
  for (LocalModel& model : weights.catalog().in_folders()) {
    const bool known = std::any_of(models.begin(), models.end(),
                                   [&](const LocalModel& m) { return m.name == model.name; });
    if (!known) models.push_back(std::move(model));
  }
  return models;
}

bool is_here(const std::vector<LocalModel>& models, const std::string& name) {
  return std::any_of(models.begin(), models.end(),
                     [&](const LocalModel& model) { return model.name == name; });
}

constexpr std::size_t kName = 30;
constexpr std::size_t kSize = 12;

std::string text_list(const std::vector<LocalModel>& here, const std::vector<ModelEntry>& known) {
  std::string text = here.empty() ? "No model is here yet.\n" : "Here\n";
  for (const LocalModel& model : here) {
    text += "  " + padded(model.name, kName) + padded(to_string(model.size), kSize) +
            model.licence + "\n";
  }
  std::string more;
  for (const ModelEntry& entry : known) {
    if (is_here(here, entry.name)) continue;
    more += "  " + padded(entry.name, kName) + padded(to_string(entry.size), kSize) +
            entry.licence + "\n";
  }
  if (!more.empty()) text += "\nTo be had with `quern model pull NAME`\n" + more;
  return text;
}

std::string json_list(const std::vector<LocalModel>& here, const std::vector<ModelEntry>& known) {
  json list = json::array();
  for (const LocalModel& model : here) list.push_back(as_json(model));
  for (const ModelEntry& entry : known) {
    if (is_here(here, entry.name)) continue;
    json object = as_json(entry);
    object["here"] = false;
    list.push_back(std::move(object));
  }
  return list.dump(2) + "\n";
}

void add_line(std::string& text, std::string_view key, const std::string& value) {
  constexpr std::size_t kKey = 10;
  if (!value.empty()) text += "  " + padded(std::string(key), kKey) + value + "\n";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

Result<int> pull_model(const ModelPull& options, World& world) {
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  std::stop_source interrupted;
  const OnSignal on_signal =
      world.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  Result<LocalModel> model = weights.get(options.name, interrupted.get_token());
  if (!model && model.error().kind() == ErrorKind::cancelled) {
    return fail(with_advice(Error(ErrorKind::cancelled, "stopped; what came so far is kept"),
                            "quern model pull " + options.name));
  }
  const LocalModel got = TRY(std::move(model));
  world.console.out(got.name + " is here: " + got.path.string() + " (" + to_string(got.size) +
                    ")\n");
  return kSuccess;
}

Result<int> list_models(const ModelList& options, World& world) {
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  const std::vector<LocalModel> here = all_here(weights);
  if (options.form == Form::names) {
    for (const LocalModel& model : here) world.console.out(model.name + "\n");
  } else if (options.form == Form::json) {
    world.console.out(json_list(here, weights.catalog().known()));
  } else {
    world.console.out(text_list(here, weights.catalog().known()));
  }
  return kSuccess;
}

Result<int> show_model(const ModelShow& options, World& world) {
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  const Result<ModelEntry> entry = weights.catalog().describe(options.name);
  const std::string name = entry.ok() ? entry->name : options.name;
  std::optional<LocalModel> local;
  for (LocalModel& model : all_here(weights)) {
    if (model.name == name) local = std::move(model);
  }
  if (!entry && !local) {
    return fail(weights.with_names(entry.error(), options.name, "quern model show"));
  }
  if (options.form == Form::json) {
    json object = entry.ok() ? as_json(*entry) : json::object();
    object["here"] = false;
    if (local) object.update(as_json(*local));
    world.console.out(object.dump(2) + "\n");
    return kSuccess;
  }
  std::string text = name + "\n";
  if (entry) {
    add_line(text, "title", entry->title);
    add_line(text, "aliases", joined(entry->aliases));
    add_line(text, "size", to_string(entry->size));
    add_line(text, "licence", entry->licence + "  " + entry->licence_url);
    add_line(text, "digest", entry->digest);
    for (const std::string& source : entry->sources) add_line(text, "source", source);
  }
  add_line(text, "here", local ? local->path.string() : "no");
  if (local && !entry) {
    add_line(text, "size", to_string(local->size));
    add_line(text, "digest", local->digest);
    add_line(text, "source", local->source);
  }
  world.console.out(text);
  return kSuccess;
}

Result<int> remove_model(const ModelRemove& options, World& world) {
  const Home home = TRY(find_home(world.process));
  Weights weights(home, world);
  const Result<> removed = weights.catalog().remove(options.name);
  if (!removed) return fail(with_advice(removed.error(), "quern model ls"));
  world.console.out(options.name + " is removed\n");
  return kSuccess;
}

}  // namespace quern::cli
