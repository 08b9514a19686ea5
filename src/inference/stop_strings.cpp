#include "inference/stop_strings.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {
namespace {

// The length of the longest end of `text` with which `stop` begins, less than the whole of it.
std::size_t begun(std::string_view text, std::string_view stop) {
  for (std::size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopStrings::pass(std::string_view text) {
  if (stopped_) return {};
  if (stops_.empty()) return std::string(text);
  held_ += text;
  std::size_t first = std::string::npos;
  std::size_t possible = 0;
  for (const std::string& stop : stops_) {
    first = std::min(first, held_.find(stop));
    possible = std::max(possible, begun(held_, stop));
  }
  stopped_ = first != std::string::npos;
  const std::size_t certain = stopped_ ? first : held_.size() - possible;
  std::string passed = held_.substr(0, certain);
  held_.erase(0, certain);
  return passed;
}

std::string StopStrings::flush() {
  if (stopped_) return {};
  return std::exchange(held_, {});
}

}  // namespace quern::inference
