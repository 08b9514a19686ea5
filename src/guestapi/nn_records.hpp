// The records of `wasi_ephemeral_nn` in a guest's memory: little-endian u32s at fixed offsets.
#pragma once

#include "guestapi/nn_backend.hpp"
#include "wasm/host.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace quern::guestapi {

// An array of {pointer, length}. The views are valid until the guest runs again.
Result<std::vector<std::string_view>> read_builders(const wasm::GuestMemory& memory,
                                                    std::uint32_t pointer, std::uint32_t count);

// {dims, dims length, type, data, data length}. Of the type the first byte counts: some guests
// write no more.
Result<tensor::Tensor> read_tensor(const wasm::GuestMemory& memory, std::uint32_t pointer);

// Answers get_output(context, index, buffer, size, written): the bytes and their number.
NnStep write_output(wasm::RawCall& call, std::string_view bytes);

}  // namespace quern::guestapi
