// Types of a component's functions, as the bridge writes them: WIT's own words, with every name of
// a type replaced by what it stands for. Internal to wasm/.
//
//     docs:math/ops@0.1.0 <tab> add <tab> (a: u32, b: list<string>) -> result<u32, string>
//
// https://component-model.bytecodealliance.org/design/wit.html
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::wasm {

struct WitType {
  enum class Kind : std::uint8_t {
    none,  // no payload, no result
    boolean,
    u8,
    s8,
    u16,
    s16,
    u32,
    s32,
    u64,
    s64,
    f32,
    f64,
    character,
    string,
    list,
    record,
    tuple,
    variant,
    enumeration,
    option,
    result,
    flags,
  };
  Kind kind = Kind::none;
  std::vector<std::string> names;  // of fields, cases or flags
  // Of a list or option one; of a result the ok and the error; of a tuple its items; of a record
  // and a variant one for each name.
  std::vector<WitType> parts;
  std::string text;  // as it was written
};

struct WitFunction {
  std::string instance;  // "docs:math/ops@0.1.0"; empty: of the component itself
  std::string name;
  std::vector<std::string> parameters;
  std::vector<WitType> types;  // of the parameters
  WitType result;
  std::string text;  // "(a: u32) -> u32"
};

// unsupported: a type whose values have no text (a resource, a stream), or is too large.
Result<WitType> parse_wit_type(std::string_view text);

// The one function that `name` means among these lines, an export's each: its own name where that
// is unique, else "INSTANCE/NAME", the instance with or without its package and version. not_found
// and invalid_argument tell which functions there are.
Result<WitFunction> find_function(std::string_view lines, std::string_view name);

}  // namespace quern::wasm
