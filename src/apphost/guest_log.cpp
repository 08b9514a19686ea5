#include "apphost/guest_log.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace quern::apphost {

GuestLog::~GuestLog() {
  if (!line_.empty()) tell();
}

void GuestLog::write(ByteView bytes) {
  const std::size_t room = kMaxOutput - std::min(seen_, kMaxOutput);
  const bool over = seen_ <= kMaxOutput && bytes.size() > room;
  seen_ += bytes.size();
  for (const char c : as_text(bytes.first(std::min(room, bytes.size())))) {
    if (c == '\n') {
      tell();
    } else if (line_.size() < kMaxLine) {
      line_ += c;
    }
  }
  if (over) {
    line_ += " (and more, which is dropped)";
    tell();
  }
}

void GuestLog::tell() {
  log::info("apphost", "[req " + std::to_string(request_) + "] guest: " + line_);
  line_.clear();
}

}  // namespace quern::apphost
