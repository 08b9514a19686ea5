#include "plugins/env_state.hpp"

namespace quern::plugins {

void EnvState::write(ByteView bytes) {
  std::vector<std::string> lines;
  {
    const std::lock_guard lock(mutex_);
    for (const char c : as_text(bytes)) {
      if (c == '\n') {
        lines.push_back(std::exchange(line_, {}));
      } else if (line_.size() < kLongestLine) {
        line_.push_back(c);
      }
    }
  }
  for (const std::string& line : lines) tell(line);
}

void EnvState::tell(std::string_view line) {
  std::uint64_t untold = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      told_ = 0;
    }
    if (told_ == kLinesASecond) {
      ++untold_;
      return;
    }
    ++told_;
    untold = std::exchange(untold_, 0);
  }
  std::string text = name_ + " says: " + std::string(line);
  if (untold > 0) text += " (and " + std::to_string(untold) + " lines before it)";
  log::info("plugins", text);
}

}  // namespace quern::plugins
