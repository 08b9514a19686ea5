// The flat encoding of component values: docs/formats/bridge-values.md.
#include "base/check.hpp"
#include "base/text.hpp"
#include "wasm/bridge/bridge.h"
#include "wasm/host.hpp"
#include "wasm/waitable.hpp"

#include <bit>
#include <limits>
#include <stdexcept>

namespace quern::wasm {
namespace {

[[noreturn]] void unfit() {
  throw std::invalid_argument("the guest imports it with other types than it has here");
}

ByteView take(ByteView& rest, std::size_t size) {
  if (size > rest.size()) unfit();
  const ByteView taken = rest.first(size);
  rest = rest.subspan(size);
  return taken;
}

template <class Integer>
Integer take_integer(ByteView& rest) {
  const ByteView bytes = take(rest, sizeof(Integer));
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= static_cast<Integer>(std::to_integer<Integer>(bytes[i]) << (8 * i));
  }
  return value;
}

template <class Integer>
void put_integer(Buffer& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}

std::uint32_t size_of(std::size_t size) {
  CHECK(size <= std::numeric_limits<std::uint32_t>::max(), "a value for a guest is above 4 GiB");
  return static_cast<std::uint32_t>(size);
}

}  // namespace

bool ValueReader::boolean() { return u8() != 0; }
std::uint8_t ValueReader::u8() { return take_integer<std::uint8_t>(rest_); }
std::uint32_t ValueReader::u32() { return take_integer<std::uint32_t>(rest_); }
std::uint64_t ValueReader::u64() { return take_integer<std::uint64_t>(rest_); }
float ValueReader::f32() { return std::bit_cast<float>(u32()); }
double ValueReader::f64() { return std::bit_cast<double>(u64()); }
std::string_view ValueReader::text() {
  const std::string_view text = as_text(bytes());
  if (!is_utf8(text)) unfit();
  return text;
}
ByteView ValueReader::bytes() {
  const std::uint32_t size = u32();
  return take(rest_, size);
}
std::uint32_t ValueReader::count() { return u32(); }
std::uint32_t ValueReader::discriminant() { return u32(); }
bool ValueReader::present() { return boolean(); }
std::uint32_t ValueReader::resource() { return u32(); }

ValueWriter& ValueWriter::boolean(bool v) { return u8(v ? 1 : 0); }
ValueWriter& ValueWriter::u8(std::uint8_t v) {
  bytes_.push_back(std::byte{v});
  return *this;
}
ValueWriter& ValueWriter::u32(std::uint32_t v) {
  put_integer(bytes_, v);
  return *this;
}
ValueWriter& ValueWriter::u64(std::uint64_t v) {
  put_integer(bytes_, v);
  return *this;
}
ValueWriter& ValueWriter::f32(float v) { return u32(std::bit_cast<std::uint32_t>(v)); }
ValueWriter& ValueWriter::f64(double v) { return u64(std::bit_cast<std::uint64_t>(v)); }
ValueWriter& ValueWriter::text(std::string_view v) { return bytes(as_bytes(v)); }
ValueWriter& ValueWriter::bytes(ByteView v) {
  u32(size_of(v.size()));
  bytes_.insert(bytes_.end(), v.begin(), v.end());
  return *this;
}
ValueWriter& ValueWriter::count(std::size_t v) { return u32(size_of(v)); }
ValueWriter& ValueWriter::discriminant(std::uint32_t v) { return u32(v); }
ValueWriter& ValueWriter::present(bool v) { return boolean(v); }
ValueWriter& ValueWriter::resource(std::uint32_t rep) { return u32(rep); }
ValueWriter& ValueWriter::pollable(std::shared_ptr<Waitable> waitable) {
  u32(size_of(waitables_.size()));
  waitables_.push_back(std::move(waitable));
  return *this;
}

std::shared_ptr<Waitable> Waitable::create() { return std::make_shared<BridgeWaitable>(); }

}  // namespace quern::wasm
