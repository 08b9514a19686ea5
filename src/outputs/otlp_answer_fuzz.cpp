// Bytes of a collector: what it says of the records that it did not take.
#include "base/bytes.hpp"

#include "outputs/otlp_record.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  (void)quern::outputs::make_otlp_protobuf()->rejected(answer);
  (void)quern::outputs::make_otlp_json()->rejected(answer);
  return 0;
}
