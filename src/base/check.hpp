// CHECK(condition, message): what our own code promised. Stays on in release; aborts with the
// place and the message. Input from a guest, a file or the network may never trigger it.
#pragma once

#include <string_view>

namespace quern {
[[noreturn]] void check_failed(std::string_view condition, std::string_view message,
                               const char* file, int line);
}  // namespace quern

#define CHECK(condition, message) \
  ((condition) ? void() : ::quern::check_failed(#condition, (message), __FILE__, __LINE__))
