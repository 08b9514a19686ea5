#include "cli/metrics.hpp"

namespace quern::cli {
namespace {

// Label values escape backslash, quote and line end, says the format.
std::string label(std::string_view key, std::string_view value) {
  std::string text = "{" + std::string(key) + "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text + "\"}";
}

struct Family {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};

void head(std::string& page, const Family& family) {
  page += "# HELP " + std::string(family.name) + " " + std::string(family.help) + "\n";
  page += "# TYPE " + std::string(family.name) + " " + std::string(family.type) + "\n";
}

void sample(std::string& page, const Family& family, const std::string& labels,
            std::uint64_t value) {
  page += std::string(family.name) + labels + " " + std::to_string(value) + "\n";
}

void one(std::string& page, const Family& family, const std::string& labels, std::uint64_t value) {
  head(page, family);
  sample(page, family, labels, value);
}

void add_app(std::string& page, const Metrics& metrics) {
  const std::string app = label("app", metrics.app);
  const apphost::AppCounts& counts = metrics.counts;
  one(page, {"quern_requests_total", "counter", "Requests that came in."}, app, counts.requests);
  one(page,
      {"quern_requests_refused_total", "counter", "Refused before a guest: no key, too many."}, app,
      counts.refused);
  one(page, {"quern_requests_failed_total", "counter", "The guest gave no whole response."}, app,
      counts.failed);
  one(page, {"quern_requests_abandoned_total", "counter", "The client went away."}, app,
      counts.abandoned);
  one(page, {"quern_requests_in_progress", "gauge", "Requests being answered."}, app,
      counts.in_progress);
  one(page, {"quern_app_prompt_tokens_total", "counter", "Prompt tokens this app used."}, app,
      counts.prompt_tokens);
  one(page, {"quern_app_completion_tokens_total", "counter", "Tokens this app was answered."}, app,
      counts.completion_tokens);
  one(page, {"quern_connections", "gauge", "Open connections."}, "", metrics.connections);
  one(page, {"quern_instances", "gauge", "Live guest instances."}, "", metrics.instances);
}

template <class Read>
void per_model(std::string& page, const Metrics& metrics, const Family& family, Read read) {
  head(page, family);
  for (const auto& [name, load] : metrics.models) {
    sample(page, family, label("model", name), read(load));
  }
}

}  // namespace

std::string prometheus_text(const Metrics& metrics) {
  using Load = inference::ModelLoad;
  std::string page;
  add_app(page, metrics);
  if (metrics.models.empty()) return page;
  per_model(page, metrics, {"quern_model_running", "gauge", "Sequences in the batch."},
            [](const Load& load) { return load.running; });
  per_model(page, metrics, {"quern_model_waiting", "gauge", "Admitted, not yet in the batch."},
            [](const Load& load) { return load.waiting; });
  per_model(page, metrics, {"quern_model_cached_tokens", "gauge", "Tokens in the prefix cache."},
            [](const Load& load) { return load.cached_tokens; });
  per_model(page, metrics, {"quern_model_prompt_tokens_total", "counter", "Prompt tokens."},
            [](const Load& load) { return load.prompt_tokens_total; });
  per_model(page, metrics,
            {"quern_model_cached_prompt_tokens_total", "counter",
             "Prompt tokens found in the prefix cache."},
            [](const Load& load) { return load.cached_prompt_tokens_total; });
  per_model(page, metrics, {"quern_model_completion_tokens_total", "counter", "Tokens generated."},
            [](const Load& load) { return load.completion_tokens_total; });
  per_model(page, metrics,
            {"quern_model_texts_waiting", "gauge", "Texts that are, or wait to be, embedded."},
            [](const Load& load) { return load.texts_waiting; });
  per_model(page, metrics, {"quern_model_embedded_tokens_total", "counter", "Tokens embedded."},
            [](const Load& load) { return load.embedded_tokens_total; });
  return page;
}

}  // namespace quern::cli
