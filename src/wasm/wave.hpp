// WAVE, the text form of component values: read into and written from the flat bytes of
// docs/formats/bridge-values.md, by their type. Internal to wasm/.
//
// https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wasm/wit_type.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::wasm {

// invalid_argument: what was expected, and what stands there instead. Not read: strings between
// three quotes, comments.
Result<Buffer> read_wave(const WitType& type, std::string_view text);

// The arguments of a call, one text each, or all of them as "(1, 2)". Errors name the parameter.
Result<Buffer> read_arguments(const WitFunction& function, const std::vector<std::string>& texts);
Result<Buffer> read_call(const WitFunction& function, std::string_view text);

// One value on one line; control characters are escaped. The bytes are of the type.
std::string write_wave(const WitType& type, ByteView bytes);

}  // namespace quern::wasm
