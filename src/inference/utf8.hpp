// Cuts a stream of bytes at whole UTF-8 characters: tokens may end in the middle of one.
#pragma once

#include <string>
#include <string_view>

namespace quern::inference {

class Utf8Gate {
 public:
  // The whole characters that `bytes` completes; an incomplete end is held back. Bytes that can
  // never become a character turn into U+FFFD.
  std::string pass(std::string_view bytes);
  // The stream is over: what was held back, as U+FFFD.
  std::string flush();

 private:
  std::string held_;
};

}  // namespace quern::inference
