// The numbers that a filter tells of itself: quern:log/metrics. Internal to plugins/.
#pragma once

#include "base/guarded.hpp"
#include "wasm/host.hpp"

#include "logs/stage.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::plugins {

// Of any thread. What one instance counted stays when it is gone.
class ComponentMetrics {
 public:
  static constexpr std::size_t kMostNames = 64;
  static constexpr std::size_t kLongestName = 64;

  void count(std::string_view name, std::uint64_t by);
  void gauge(std::string_view name, double value);
  void add_to(std::vector<logs::Figure>& figures) const;

 private:
  struct Kept {
    std::map<std::string, double, std::less<>> counts;
    std::map<std::string, double, std::less<>> gauges;
    std::uint64_t refused = 0;  // a name that is none, or one too many
  };
  Guarded<Kept> kept_;
};

wasm::HostInterface metrics_interface(std::shared_ptr<ComponentMetrics> metrics);

}  // namespace quern::plugins
