#include "inputs/message_scanner.hpp"

#include <array>

namespace quern::inputs {
namespace {

// What a first byte says about its object.
struct Shape {
  std::uint8_t size_bytes = 0;    // of a size or count behind it
  std::uint8_t fixed = 0;         // bytes behind those
  std::uint8_t payload_each = 0;  // bytes for each of the size: 1 of strings, 0 of arrays
  std::uint8_t objects_each = 0;  // objects for each of the count
};

constexpr Shape shape_of(unsigned first) {
  if (first >= 0x80 && first < 0xc0) return {};  // their size is in the byte itself
  switch (first) {
    case 0xc4: return {.size_bytes = 1, .payload_each = 1};
    case 0xc5: return {.size_bytes = 2, .payload_each = 1};
    case 0xc6: return {.size_bytes = 4, .payload_each = 1};
    case 0xc7: return {.size_bytes = 1, .fixed = 1, .payload_each = 1};
    case 0xc8: return {.size_bytes = 2, .fixed = 1, .payload_each = 1};
    case 0xc9: return {.size_bytes = 4, .fixed = 1, .payload_each = 1};
    case 0xcc:
    case 0xd0: return {.fixed = 1};
    case 0xcd:
    case 0xd1: return {.fixed = 2};
    case 0xca:
    case 0xce:
    case 0xd2: return {.fixed = 4};
    case 0xcb:
    case 0xcf:
    case 0xd3: return {.fixed = 8};
    case 0xd4: return {.fixed = 2};
    case 0xd5: return {.fixed = 3};
    case 0xd6: return {.fixed = 5};
    case 0xd7: return {.fixed = 9};
    case 0xd8: return {.fixed = 17};
    case 0xd9: return {.size_bytes = 1, .payload_each = 1};
    case 0xda: return {.size_bytes = 2, .payload_each = 1};
    case 0xdb: return {.size_bytes = 4, .payload_each = 1};
    case 0xdc: return {.size_bytes = 2, .objects_each = 1};
    case 0xdd: return {.size_bytes = 4, .objects_each = 1};
    case 0xde: return {.size_bytes = 2, .objects_each = 2};
    case 0xdf: return {.size_bytes = 4, .objects_each = 2};
    default: return {};
  }
}

bool may_begin_a_message(unsigned first) {
  return (first >= 0x90 && first < 0xa0) || first == 0xdc || first == 0xdd || first == 0xc0;
}

}  // namespace

Result<std::optional<std::size_t>> MessageScanner::find_end(ByteView bytes) {
  while (left_ > 0 && at_ < bytes.size()) {
    const auto first = std::to_integer<unsigned>(bytes[at_]);
    if (at_ == 0 && !may_begin_a_message(first))
      return fail(ErrorKind::corrupt_data, "this is no message of the Forward protocol");
    const Shape shape = shape_of(first);
    if (bytes.size() - at_ <= shape.size_bytes) break;
    std::uint64_t size = 0;
    for (std::size_t i = 1; i <= shape.size_bytes; ++i)
      size = size << 8U | std::to_integer<std::uint64_t>(bytes[at_ + i]);
    std::uint64_t payload = shape.fixed + size * shape.payload_each;
    std::uint64_t objects = size * shape.objects_each;
    if (first >= 0x80 && first < 0x90) objects = std::uint64_t{2} * (first & 0x0fU);
    if (first >= 0x90 && first < 0xa0) objects = first & 0x0fU;
    if (first >= 0xa0 && first < 0xc0) payload = first & 0x1fU;
    at_ += 1 + shape.size_bytes + payload;
    left_ += objects - 1;
    // Each object that is still to come has a byte at least.
    if (at_ + left_ > largest_) {
      return fail(ErrorKind::resource_exhausted,
                  "a message is larger than " + to_string(Bytes{largest_}));
    }
  }
  if (left_ > 0 || at_ > bytes.size()) return std::optional<std::size_t>();
  const auto size = static_cast<std::size_t>(at_);
  at_ = 0;
  left_ = 1;
  return std::optional(size);
}

}  // namespace quern::inputs
