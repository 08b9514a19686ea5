#include "package/wasm_binary.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace quern::package {
namespace {

constexpr std::size_t kLongestName = 100'000;  // what engines take

constexpr std::array<std::uint8_t, 4> kMagic{0x00, 'a', 's', 'm'};
constexpr std::array<std::uint8_t, 4> kModule{1, 0, 0, 0};
constexpr std::array<std::uint8_t, 8> kComponent{0x00, 'a', 's', 'm', 0x0d, 0, 1, 0};

}  // namespace

Failure WasmReader::bad(std::string_view what) const {
  return fail(ErrorKind::corrupt_data,
              "byte " + std::to_string(offset_ + at_) + ": " + std::string(what));
}

Result<std::uint8_t> WasmReader::byte() {
  if (is_done()) return bad("it is cut off here");
  return static_cast<std::uint8_t>(bytes_[at_++]);
}

Result<std::uint32_t> WasmReader::u32() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t piece = TRY(byte());
    if (shift == 28 && piece > 0x0f) break;
    value |= std::uint32_t{piece & 0x7fU} << shift;
    if ((piece & 0x80U) == 0) return value;
  }
  return bad("a number that is too large");
}

Result<std::int64_t> WasmReader::s33() {
  std::int64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint8_t piece = TRY(byte());
    value |= std::int64_t{piece & 0x7fU} << shift;
    if ((piece & 0x80U) != 0) continue;
    const bool negative = (piece & 0x40U) != 0;
    return negative ? value - (std::int64_t{1} << (shift + 7)) : value;
  }
  return bad("a number that is too large");
}

Result<ByteView> WasmReader::bytes(std::size_t count) {
  if (count > bytes_.size() - at_) return bad("it is cut off behind here");
  const ByteView piece = bytes_.subspan(at_, count);
  at_ += count;
  return piece;
}

Result<ByteView> WasmReader::block() {
  const std::uint32_t size = TRY(u32());
  return bytes(size);
}

Result<std::string_view> WasmReader::name() {
  const ByteView bytes = TRY(block());
  if (bytes.size() > kLongestName) return bad("a name of more than 100000 bytes");
  return as_text(bytes);
}

Result<std::uint32_t> WasmReader::count() {
  const std::uint32_t number = TRY(u32());
  if (number > bytes_.size() - at_) return bad("more items than bytes");
  return number;
}

WasmWriter& WasmWriter::byte(std::uint8_t value) {
  bytes_.push_back(static_cast<std::byte>(value));
  return *this;
}

WasmWriter& WasmWriter::u32(std::uint32_t value) {
  for (; value >= 0x80; value >>= 7U) byte(static_cast<std::uint8_t>(0x80U | (value & 0x7fU)));
  return byte(static_cast<std::uint8_t>(value));
}

WasmWriter& WasmWriter::s33(std::int64_t value) {
  for (;;) {
    const auto piece = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) & 0x7fU);
    value >>= 7;
    const bool sign = (piece & 0x40U) != 0;
    if ((value == 0 && !sign) || (value == -1 && sign)) return byte(piece);
    byte(piece | 0x80U);
  }
}

WasmWriter& WasmWriter::raw(ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

WasmWriter& WasmWriter::block(ByteView bytes) {
  return u32(static_cast<std::uint32_t>(bytes.size())).raw(bytes);
}

ByteView component_preamble() { return std::as_bytes(std::span(kComponent)); }

Result<WasmKind> read_preamble(WasmReader& in) {
  const Result<ByteView> start = in.bytes(kComponent.size());
  if (!start.ok()) return fail(ErrorKind::corrupt_data, "it is no WebAssembly: too short");
  const auto is = [&](std::size_t at, const auto& wanted) {
    return std::ranges::equal(start->subspan(at, wanted.size()), std::as_bytes(std::span(wanted)));
  };
  if (!is(0, kMagic)) return fail(ErrorKind::corrupt_data, "it is no WebAssembly");
  if (is(4, kModule)) return WasmKind::module;
  if (is(0, kComponent)) return WasmKind::component;
  return fail(ErrorKind::unsupported, "it is of a version of WebAssembly that is not known here");
}

Result<std::optional<Section>> next_section(WasmReader& in) {
  if (in.is_done()) return std::optional<Section>();
  Section section;
  section.id = TRY(in.byte());
  section.body = TRY(in.block());
  return std::optional<Section>(section);
}

Result<std::string_view> read_extern_name(WasmReader& in) {
  const std::uint8_t form = TRY(in.byte());
  if (form > 1) {
    return fail(ErrorKind::unsupported, "a name in a form that is newer than this program");
  }
  return in.name();
}

}  // namespace quern::package
