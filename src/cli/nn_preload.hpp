// `--nn-preload NAME:ENCODING:TARGET:PATH`: a model for programs that use WASI-NN.
#pragma once

#include "cli/command.hpp"

namespace quern::cli {

// The variable by which container runtimes hand a program such a text.
inline constexpr const char* kPreloadVariable = "WASMEDGE_WASINN_PRELOAD";

// As WasmEdge writes it: ENCODING and TARGET in any case, PATH to the end, colons and all.
// invalid_argument, saying what is wrong; unsupported for an encoding that is not offered.
Result<Preload> parse_preload(std::string_view text);

}  // namespace quern::cli
