// Bytes of a peer: what it says of the documents of a bulk.
#include "base/check.hpp"
#include "base/text.hpp"

#include "outputs/bulk_answer.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto items = quern::outputs::read_bulk_answer(json);
  if (!items.ok()) return 0;
  for (const quern::outputs::BulkItem& item : *items) {
    CHECK(item.status >= 100 && item.status < 600, "a status is a status");
    CHECK(quern::is_utf8(item.reason), "a reason is text");
  }
  return 0;
}
