#include "guestapi/nn_records.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace quern::guestapi {
namespace {

constexpr std::uint32_t kWord = sizeof(std::uint32_t);
constexpr std::uint32_t kMostBuilders = 64;
constexpr std::uint32_t kMostDimensions = 8;
constexpr std::uint32_t kMostData = 64U << 20U;
// What guests that say "0 bytes" have room for.
constexpr std::uint32_t kUnspokenBuffer = 245'888;

std::optional<tensor::ElementType> element_of(std::uint32_t type) {
  using tensor::ElementType;
  switch (static_cast<NnType>(type & 0xFFU)) {
    case NnType::f16: return ElementType::f16;
    case NnType::f32: return ElementType::f32;
    case NnType::f64: return ElementType::f64;
    case NnType::u8: return ElementType::u8;
    case NnType::i32: return ElementType::i32;
    case NnType::i64: return ElementType::i64;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::string_view>> read_builders(const wasm::GuestMemory& memory,
                                                    std::uint32_t pointer, std::uint32_t count) {
  if (count > kMostBuilders) return fail(ErrorKind::invalid_argument, "more than 64 builders");
  TRY(memory.view(pointer, count * 2 * kWord));
  std::vector<std::string_view> builders;
  for (std::uint32_t at = pointer; builders.size() < count; at += 2 * kWord) {
    const std::uint32_t text = TRY(memory.read_u32(at));
    const std::uint32_t length = TRY(memory.read_u32(at + kWord));
    builders.push_back(TRY(memory.text(text, length)));
  }
  return builders;
}

Result<tensor::Tensor> read_tensor(const wasm::GuestMemory& memory, std::uint32_t pointer) {
  TRY(memory.view(pointer, 5 * kWord));
  const std::uint32_t dims = TRY(memory.read_u32(pointer));
  const std::uint32_t dimensions = TRY(memory.read_u32(pointer + kWord));
  const std::uint32_t type = TRY(memory.read_u32(pointer + 2 * kWord));
  const std::uint32_t data = TRY(memory.read_u32(pointer + 3 * kWord));
  const std::uint32_t size = TRY(memory.read_u32(pointer + 4 * kWord));
  const auto element = element_of(type);
  if (!element) {
    return fail(ErrorKind::invalid_argument,
                "no tensor type has the number " + std::to_string(type & 0xFFU));
  }
  if (dimensions > kMostDimensions || size > kMostData) {
    return fail(ErrorKind::invalid_argument, "a tensor of more than 8 dimensions or 64 MiB");
  }
  TRY(memory.view(dims, dimensions * kWord));
  const std::string_view bytes = TRY(memory.text(data, size));
  tensor::Tensor tensor{.type = *element, .shape = {}, .bytes = to_buffer(bytes)};
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    tensor.shape.push_back(TRY(memory.read_u32(dims + i * kWord)));
  }
  return tensor;
}

NnStep write_output(wasm::RawCall& call, std::string_view bytes) {
  const auto buffer = static_cast<std::uint32_t>(call.argument(2));
  const auto room = static_cast<std::uint32_t>(call.argument(3));
  const auto written = static_cast<std::uint32_t>(call.argument(4));
  if (room == 0) {
    const std::uint64_t memory = call.memory().size().count;
    const std::uint64_t behind = memory > buffer ? memory - buffer : 0;
    bytes = bytes.substr(0, std::min<std::uint64_t>(behind, kUnspokenBuffer));
  } else if (bytes.size() > room) {
    return {NnStatus::too_large, "the output has " + std::to_string(bytes.size()) +
                                     " bytes, the guest's buffer " + std::to_string(room)};
  }
  const auto target = TRY(call.memory().span(buffer, static_cast<std::uint32_t>(bytes.size())));
  TRY(call.memory().write_u32(written, static_cast<std::uint32_t>(bytes.size())));
  if (!bytes.empty()) std::memcpy(target.data(), bytes.data(), bytes.size());
  return {};
}

}  // namespace quern::guestapi
