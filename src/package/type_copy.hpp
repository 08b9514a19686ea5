// Copies type definitions of one component into another, whose types have other indices.
#pragma once

#include "package/wasm_binary.hpp"

#include <cstdint>
#include <span>

namespace quern::package {

class TypeCopy {
 public:
  // types[i]: what the type i of the component that is read is called where it is written.
  TypeCopy(WasmReader& in, WasmWriter& out, std::span<const std::uint32_t> types)
      : in_(in), out_(out), types_(types) {}

  // One definition, as it stands in a type section.
  Result<> definition() { return type(0); }

 private:
  Result<> type(int depth);
  Result<> function(int depth);
  Result<> declarations(int depth);
  Result<> declaration(int depth);
  Result<> alias(int depth);
  Result<> extern_type(int depth);
  Result<> value(int depth);
  Result<> optional_value(int depth);
  Result<> labelled_values(int depth);
  Result<> cases(int depth);
  Result<> labels();
  Result<> index(int depth);  // of a type
  Result<> extern_name();
  Result<std::uint8_t> byte();  // copied as it is
  Result<std::uint32_t> count();
  // Only the outermost definitions speak of the component's own types; those inside of an instance
  // type count from anew.
  Result<std::uint32_t> moved(std::uint32_t type, int depth) const;

  WasmReader& in_;
  WasmWriter& out_;
  std::span<const std::uint32_t> types_;
};

}  // namespace quern::package
