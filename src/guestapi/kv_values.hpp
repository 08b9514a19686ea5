// Keys and values on their way between a guest and a store, within their bounds. Internal to
// guestapi/, shared by the files of KvHost.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "wasm/host.hpp"

#include "store/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quern::guestapi {

constexpr std::size_t kMostBatch = 1000;

// An open store, as the guest has it.
struct Bucket final : Handle {
  explicit Bucket(store::Place where) : place(std::move(where)) {}
  const store::Place place;
};

// Each is guest_trap for a forged handle, invalid_argument for what is beyond its bound.
Result<std::shared_ptr<Bucket>> read_bucket(const GuestInstance& guest, wasm::ValueReader& in);
Result<std::string> read_key(wasm::ValueReader& in);
Result<Buffer> read_value(wasm::ValueReader& in);
// How many entries of a batch follow.
Result<std::uint32_t> read_batch(wasm::ValueReader& in);
Result<std::vector<std::string>> read_keys(wasm::ValueReader& in);

void write_keys(wasm::ValueWriter& out, const std::vector<std::string>& keys);
void write_value(wasm::ValueWriter& out, const std::optional<Buffer>& value);

}  // namespace quern::guestapi
