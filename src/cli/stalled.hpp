// When /health says that a model is stuck, so that whoever watches the node may restart it.
#pragma once

#include "cli/metrics.hpp"

#include <chrono>
#include <string>

namespace quern::cli {

// A step computes at most some hundred tokens. The largest models on the slowest machines take tens
// of seconds for that; who took this long is not expected to end.
inline constexpr std::chrono::seconds kStalled{60};

// {"status":"stalled","message":...,"models":[{"model":...,"step_ms":...}]}, or empty when every
// model goes on.
std::string stalled_models(const ModelLoads& loads);

}  // namespace quern::cli
