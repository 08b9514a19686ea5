#include "cli/metrics.hpp"

#include "base/prometheus.hpp"

namespace quern::cli {
namespace {

void add_app(PrometheusPage& page, const Metrics& metrics) {
  const PrometheusPage::Labels app = {{"app", metrics.app}};
  const apphost::AppCounts& counts = metrics.counts;
  page.add("quern_requests_total", app, counts.requests, "Requests that came in.");
  page.add("quern_requests_refused_total", app, counts.refused,
           "Refused before a guest: no key, too many.");
  page.add("quern_requests_failed_total", app, counts.failed, "The guest gave no whole response.");
  page.add("quern_requests_abandoned_total", app, counts.abandoned, "The client went away.");
  page.add("quern_requests_in_progress", app, std::uint64_t{counts.in_progress},
           "Requests being answered.");
  page.add("quern_app_prompt_tokens_total", app, counts.prompt_tokens,
           "Prompt tokens this app used.");
  page.add("quern_app_completion_tokens_total", app, counts.completion_tokens,
           "Tokens this app was answered.");
  page.add("quern_connections", {}, std::uint64_t{metrics.connections}, "Open connections.");
  page.add("quern_instances", {}, std::uint64_t{metrics.instances}, "Live guest instances.");
}

void add_model(PrometheusPage& page, const std::string& name, const inference::ModelLoad& load) {
  const PrometheusPage::Labels model = {{"model", name}};
  const auto add = [&](std::string_view what, std::uint64_t value, std::string_view help) {
    page.add("quern_model_" + std::string(what), model, value, help);
  };
  add("running", load.running, "Sequences in the batch.");
  add("waiting", load.waiting, "Admitted, not yet in the batch.");
  add("cached_tokens", load.cached_tokens, "Tokens in the prefix cache.");
  add("prompt_tokens_total", load.prompt_tokens_total, "Prompt tokens.");
  add("cached_prompt_tokens_total", load.cached_prompt_tokens_total,
      "Prompt tokens found in the prefix cache.");
  add("completion_tokens_total", load.completion_tokens_total, "Tokens generated.");
  add("texts_waiting", load.texts_waiting, "Texts that are, or wait to be, embedded.");
  add("embedded_tokens_total", load.embedded_tokens_total, "Tokens embedded.");
}

}  // namespace

std::string prometheus_text(const Metrics& metrics) {
  PrometheusPage page;
  add_app(page, metrics);
  for (const auto& [name, load] : metrics.models) add_model(page, name, load);
  return page.text();
}

}  // namespace quern::cli
