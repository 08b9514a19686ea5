#include "guestapi/kv_values.hpp"

namespace quern::guestapi {

Result<std::string> read_key(wasm::ValueReader& in) {
  const std::string_view key = in.text();
  if (key.size() <= store::kLongestKey) return std::string(key);
  return fail(ErrorKind::invalid_argument, "a key has at most 1 KiB");
}

Result<Buffer> read_value(wasm::ValueReader& in) {
  const ByteView value = in.bytes();
  if (value.size() <= store::kLargestValue.count) return Buffer(value.begin(), value.end());
  return fail(ErrorKind::invalid_argument, "a value has at most 1 MiB");
}

Result<std::uint32_t> read_batch(wasm::ValueReader& in) {
  const std::uint32_t count = in.count();
  if (count <= kMostBatch) return count;
  return fail(ErrorKind::invalid_argument, "a batch has at most 1000 entries");
}

Result<std::vector<std::string>> read_keys(wasm::ValueReader& in) {
  std::vector<std::string> keys;
  for (std::uint32_t left = TRY(read_batch(in)); left > 0; --left) {
    keys.push_back(TRY(read_key(in)));
  }
  return keys;
}

Result<std::shared_ptr<Bucket>> read_bucket(const GuestInstance& guest, wasm::ValueReader& in) {
  return guest.handles.find<Bucket>(in.resource(), "bucket");
}

void write_keys(wasm::ValueWriter& out, const std::vector<std::string>& keys) {
  out.count(keys.size());
  for (const std::string& key : keys) out.text(key);
}

void write_value(wasm::ValueWriter& out, const std::optional<Buffer>& value) {
  out.present(value.has_value());
  if (value) out.bytes(*value);
}

}  // namespace quern::guestapi
