// A request of OTLP in both forms: what is read makes whole records.
#include "base/check.hpp"

#include "inputs/otlp_records.hpp"
#include "logs/msgpack.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  inputs::OtlpRecords records("t", {});
  (void)inputs::read_otlp_protobuf(bytes, records);
  (void)inputs::read_otlp_json(as_text(bytes), records);
  for (const logs::Batch& batch : records.take()) {
    for (const logs::Entry& entry : batch) {
      logs::msgpack::Reader reader(entry.record);
      const auto whole = reader.skip();
      CHECK(whole.ok() && whole->size() == entry.record.size(), "a record that is not whole");
    }
  }
  return 0;
}
