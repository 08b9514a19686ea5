#include "capi/request.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(quern::capi::read_chat_request(text).ok());
  static_cast<void>(quern::capi::read_completion_request(text).ok());
  return 0;
}
