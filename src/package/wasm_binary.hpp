// Reading and writing the pieces that WebAssembly's binary formats are made of.
//
// https://webassembly.github.io/spec/core/binary/
// https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace quern::package {

// Reads forward through borrowed bytes. Every read checks; corrupt_data tells the offset.
class WasmReader {
 public:
  explicit WasmReader(ByteView bytes, std::size_t offset = 0) : bytes_(bytes), offset_(offset) {}

  bool is_done() const { return at_ == bytes_.size(); }
  ByteView rest() const { return bytes_.subspan(at_); }
  Result<std::uint8_t> byte();
  Result<std::uint32_t> u32();  // LEB128
  Result<std::int64_t> s33();   // LEB128: a type index, or a negative number for a basic type
  Result<ByteView> bytes(std::size_t count);
  // A length and so many bytes.
  Result<ByteView> block();
  Result<std::string_view> name();
  // How many items follow; never more than bytes are left, so that a loop over them ends.
  Result<std::uint32_t> count();
  Failure bad(std::string_view what) const;

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  std::size_t offset_;
};

class WasmWriter {
 public:
  WasmWriter& byte(std::uint8_t value);
  WasmWriter& u32(std::uint32_t value);
  WasmWriter& s33(std::int64_t value);
  WasmWriter& raw(ByteView bytes);
  WasmWriter& block(ByteView bytes);
  WasmWriter& name(std::string_view text) { return block(as_bytes(text)); }
  WasmWriter& section(std::uint8_t id, const WasmWriter& body) {
    return byte(id).block(body.bytes_);
  }
  const Buffer& bytes() const { return bytes_; }
  Buffer take() { return std::move(bytes_); }

 private:
  Buffer bytes_;
};

// Ids of sections in a component. Core modules have others; `custom` is the same in both.
namespace section {
inline constexpr std::uint8_t kCustom = 0;
inline constexpr std::uint8_t kCoreModule = 1;
inline constexpr std::uint8_t kComponent = 4;
inline constexpr std::uint8_t kInstance = 5;
inline constexpr std::uint8_t kAlias = 6;
inline constexpr std::uint8_t kType = 7;
inline constexpr std::uint8_t kImport = 10;
inline constexpr std::uint8_t kExport = 11;
}  // namespace section

// Sorts of things that components import, export and alias.
namespace sort {
inline constexpr std::uint8_t kCore = 0;
inline constexpr std::uint8_t kFunction = 1;
inline constexpr std::uint8_t kType = 3;
inline constexpr std::uint8_t kComponent = 4;
inline constexpr std::uint8_t kInstance = 5;
}  // namespace sort

enum class WasmKind : std::uint8_t { module, component };

// The eight bytes that every file begins with. corrupt_data: others.
Result<WasmKind> read_preamble(WasmReader& in);
ByteView component_preamble();

struct Section {
  std::uint8_t id = 0;
  ByteView body;
};
// The next section; none at the end.
Result<std::optional<Section>> next_section(WasmReader& in);

// The name of an import or export of a component, behind the byte that tells its form.
Result<std::string_view> read_extern_name(WasmReader& in);

}  // namespace quern::package
