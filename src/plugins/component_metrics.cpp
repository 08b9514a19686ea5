#include "plugins/component_metrics.hpp"

#include <algorithm>
#include <utility>

namespace quern::plugins {
namespace {

bool good_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= ComponentMetrics::kLongestName && letter(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

// Null: no such name is kept.
double* place_of(std::map<std::string, double, std::less<>>& here, std::size_t names,
                 std::string_view name) {
  const auto found = here.find(name);
  if (found != here.end()) return &found->second;
  if (names >= ComponentMetrics::kMostNames || !good_name(name)) return nullptr;
  return &here.emplace(name, 0).first->second;
}

}  // namespace

void ComponentMetrics::count(std::string_view name, std::uint64_t by) {
  auto kept = kept_.lock();
  double* const place = place_of(kept->counts, kept->counts.size() + kept->gauges.size(), name);
  place == nullptr ? static_cast<void>(++kept->refused)
                   : static_cast<void>(*place += static_cast<double>(by));
}

void ComponentMetrics::gauge(std::string_view name, double value) {
  auto kept = kept_.lock();
  double* const place = place_of(kept->gauges, kept->counts.size() + kept->gauges.size(), name);
  place == nullptr ? static_cast<void>(++kept->refused) : static_cast<void>(*place = value);
}

void ComponentMetrics::add_to(std::vector<logs::Figure>& figures) const {
  const auto kept = kept_.lock();
  for (const auto& [name, value] : kept->counts) {
    const bool total = name.ends_with("_total");
    figures.push_back({.name = "filter_" + name + (total ? "" : "_total"), .value = value});
  }
  for (const auto& [name, value] : kept->gauges) {
    // Beside a counter of this name it would be read as one.
    figures.push_back(
        {.name = "filter_" + name + (name.ends_with("_total") ? "_now" : ""), .value = value});
  }
  figures.push_back(
      {.name = "filter_metrics_refused_total", .value = static_cast<double>(kept->refused)});
}

wasm::HostInterface metrics_interface(std::shared_ptr<ComponentMetrics> metrics) {
  const auto count = [metrics](std::unique_ptr<wasm::HostCall> call) {
    auto in = call->arguments();
    const std::string_view name = in.text();
    metrics->count(name, in.u64());
    call->resolve({});
  };
  const auto gauge = [metrics](std::unique_ptr<wasm::HostCall> call) {
    auto in = call->arguments();
    const std::string_view name = in.text();
    metrics->gauge(name, in.f64());
    call->resolve({});
  };
  return {.name = "quern:log/metrics@0.1.0",
          .functions = {{"count", count}, {"gauge", gauge}},
          .resources = {}};
}

}  // namespace quern::plugins
