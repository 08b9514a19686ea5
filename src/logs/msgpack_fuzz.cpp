// Bytes of a sender: passed over and written as JSON. What is JSON is one line.
#include "base/check.hpp"

#include "logs/msgpack.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern::logs::msgpack;
  const quern::ByteView bytes = std::as_bytes(std::span(data, size));
  Reader reader(bytes);
  while (!reader.done()) {
    const auto object = reader.skip();
    if (!object) break;
    std::string text;
    if (to_json(*object, text))
      CHECK(!text.empty() && text.find('\n') == std::string::npos, "no line of JSON");
  }
  return 0;
}
