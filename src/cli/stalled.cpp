#include "cli/stalled.hpp"

#include <nlohmann/json.hpp>

namespace quern::cli {

std::string stalled_models(const ModelLoads& loads) {
  using Json = nlohmann::ordered_json;
  Json stalled = Json::array();
  std::string names;
  for (const auto& [name, load] : loads) {
    if (load.step < kStalled) continue;
    stalled.push_back({{"model", name}, {"step_ms", load.step.count()}});
    names += (names.empty() ? "" : ", ") + name;
  }
  if (stalled.empty()) return {};
  const Json body = {
      {"status", "stalled"},
      {"message", "no step was made for " + std::to_string(kStalled.count()) + " s and more by " +
                      names + "; if that does not end, start Quern again"},
      {"models", std::move(stalled)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace quern::cli
