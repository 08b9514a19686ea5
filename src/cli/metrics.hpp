// The numbers of /metrics in Prometheus' text form.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include "apphost/apphost.hpp"
#include "inference/inference.hpp"

#include <string>
#include <utility>
#include <vector>

namespace quern::cli {

using ModelLoads = std::vector<std::pair<std::string, inference::ModelLoad>>;  // by name

struct Metrics {
  std::string app;
  apphost::AppCounts counts;
  std::uint32_t connections = 0;
  std::uint32_t instances = 0;
  ModelLoads models;
};

std::string prometheus_text(const Metrics& metrics);

}  // namespace quern::cli
