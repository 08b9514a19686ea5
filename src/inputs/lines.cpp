#include "inputs/lines.hpp"

#include <utility>

namespace quern::inputs {

std::optional<std::string_view> LineBuffer::next() {
  while (!bytes_.empty()) {
    const std::string_view rest = bytes_.rest();
    const std::size_t end = rest.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view line = rest.substr(0, end);
    if (!whole && !ended_ && !skipping_ && line.size() <= longest_) return std::nullopt;
    bytes_.read(whole ? end + 1 : rest.size());
    if (std::exchange(skipping_, !whole && !ended_)) continue;
    cut_ += line.size() > longest_ ? 1 : 0;
    std::string_view given = line.substr(0, longest_);
    if (given.ends_with('\r')) given.remove_suffix(1);
    return given;
  }
  return std::nullopt;
}

}  // namespace quern::inputs
