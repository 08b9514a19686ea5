#include "inputs/lines.hpp"

#include <algorithm>
#include <utility>

namespace quern::inputs {
namespace {

constexpr std::size_t kRoom = 64 * 1024;

}  // namespace

std::span<std::byte> LineBuffer::room() {
  std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
            bytes_.begin() + static_cast<std::ptrdiff_t>(filled_), bytes_.begin());
  filled_ -= at_;
  at_ = 0;
  if (bytes_.size() < filled_ + kRoom) bytes_.resize(std::max(2 * filled_, filled_ + kRoom));
  return std::span(bytes_).subspan(filled_);
}

std::optional<std::string_view> LineBuffer::next() {
  while (at_ < filled_) {
    const std::string_view rest = as_text(ByteView(bytes_).subspan(at_, filled_ - at_));
    const std::size_t end = rest.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view line = rest.substr(0, end);
    if (!whole && !ended_ && !skipping_ && line.size() <= longest_) return std::nullopt;
    at_ += whole ? end + 1 : rest.size();
    if (std::exchange(skipping_, !whole && !ended_)) continue;
    cut_ += line.size() > longest_ ? 1 : 0;
    std::string_view given = line.substr(0, longest_);
    if (given.ends_with('\r')) given.remove_suffix(1);
    return given;
  }
  return std::nullopt;
}

}  // namespace quern::inputs
