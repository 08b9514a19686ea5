// Bytes of a stream that came in pieces and are not read yet.
#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace quern::inputs {

// Of one thread.
class ArrivedBytes {
 public:
  // Where the next bytes go, and how many came. What was read makes place for them.
  std::span<std::byte> room() {
    const auto begin = bytes_.begin();
    std::copy(begin + static_cast<std::ptrdiff_t>(at_),
              begin + static_cast<std::ptrdiff_t>(filled_), begin);
    filled_ -= at_;
    at_ = 0;
    if (bytes_.size() < filled_ + kRoom) bytes_.resize(std::max(2 * filled_, filled_ + kRoom));
    return std::span(bytes_).subspan(filled_);
  }
  void filled(std::size_t size) { filled_ += size; }

  // What is not read yet; valid until room().
  std::string_view rest() const { return as_text(ByteView(bytes_).subspan(at_, filled_ - at_)); }
  bool empty() const { return at_ == filled_; }
  void read(std::size_t size) { at_ += size; }

 private:
  static constexpr std::size_t kRoom = 64 * 1024;

  Buffer bytes_;
  std::size_t at_ = 0;  // of what comes next
  std::size_t filled_ = 0;
};

}  // namespace quern::inputs
