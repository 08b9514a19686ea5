#include "plugins/env_state.hpp"

#include <algorithm>
#include <vector>

namespace quern::plugins {

// A guest may print all its memory at once, and all of it line ends: what is not told costs no more
// than to be counted.
void EnvState::write(ByteView bytes) {
  std::string_view rest = as_text(bytes);
  std::vector<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      told_ = 0;
    }
    while (told_ < kLinesASecond) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) break;
      append(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      lines.push_back(take_line());
    }
    skip_lines(rest);
    append(rest);
  }
  for (const std::string& line : lines) log::info("plugins", line);
}

void EnvState::append(std::string_view part) {
  line_.append(part.substr(0, kLongestLine - line_.size()));
}

std::string EnvState::take_line() {
  ++told_;
  std::string text = name_ + " says: " + std::exchange(line_, {});
  if (const auto untold = std::exchange(untold_, 0); untold > 0) {
    text += " (and " + std::to_string(untold) + " lines before it)";
  }
  return text;
}

void EnvState::skip_lines(std::string_view& rest) {
  const std::size_t last = rest.rfind('\n');
  if (last == std::string_view::npos) return;
  untold_ += static_cast<std::uint64_t>(std::ranges::count(rest.substr(0, last + 1), '\n'));
  line_.clear();
  rest.remove_prefix(last + 1);
}

}  // namespace quern::plugins
