// Numbers as a page in Prometheus' text form
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern {

class PrometheusPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // A counter where the name ends in "_total", else a gauge. `help`: what it counts; that of the
  // first of a name is told.
  void add(std::string_view name, const Labels& labels, double value, std::string_view help = {});
  void add(std::string_view name, const Labels& labels, std::uint64_t value,
           std::string_view help = {});

  // Samples of one name stand together, as the form wants it, in the order of the names.
  std::string text() const;

 private:
  void add_text(std::string_view name, const Labels& labels, std::string_view value,
                std::string_view help);

  std::map<std::string, std::string, std::less<>> families_;  // what is told of a name
};

}  // namespace quern
