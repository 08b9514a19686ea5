// Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
// the others where the pipeline's file says ask = "true".
#include <quern/filter.hpp>

namespace filter = quern::filter;

static std::optional<quern::Model> llm;  // nothing: it does not ask

static std::optional<std::string> configure(const filter::Options& options) {
  for (const auto& [name, value] : options) {
    if (name != "ask") return "there is no option " + name + "; there is ask";
    if (value != "true") continue;
    auto opened = quern::open();
    if (!opened) return quern::describe(opened.error());
    llm.emplace(std::move(*opened));
  }
  return {};
}

static quern::Result<std::string> ask(const std::string& record) {
  const auto reply = quern::ask(
      *llm, {.messages = {quern::system("Say in one word what this log record is about."), quern::user(record)},
             .sampling = {.max_tokens = 8, .temperature = 0}});
  if (!reply) return quern::llm::failed(reply.error());
  const std::string& text = reply->text;
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return std::string();
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

static filter::Outcome process(const filter::Event& event) {
  if (event.body.contains("level") && event.body["level"] == "debug") {
    filter::count("debug_lines");
    return filter::Drop{};
  }
  nlohmann::json body = event.body;
  body["by"] = "@NAME@";
  if (body.contains("items") && body["items"].is_array()) {
    filter::Replace many;
    for (const nlohmann::json& item : event.body["items"]) {
      body.erase("items");
      body["item"] = item;
      many.events.push_back(event.with(body));
    }
    return many;
  }
  if (llm) {
    const auto word = ask(event.body.dump());
    if (!word) return filter::Dead{quern::describe(word.error())};
    body["word"] = *word;
  }
  return filter::Change{std::move(body)};
}

QUERN_FILTER(configure, process)
