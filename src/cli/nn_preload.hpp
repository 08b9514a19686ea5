// `--nn-preload NAME:ENCODING:TARGET:PATH`: a model for programs that use WASI-NN.
#pragma once

#include "base/process.hpp"
#include "cli/command.hpp"

#include <string_view>
#include <vector>

namespace quern::cli {

// The variable by which container runtimes hand a program such a text.
inline constexpr const char* kPreloadVariable = "WASMEDGE_WASINN_PRELOAD";

// As WasmEdge writes it: ENCODING and TARGET in any case, PATH to the end, colons and all.
// invalid_argument, saying what is wrong; unsupported for an encoding that is not offered.
Result<Preload> parse_preload(std::string_view text);

// Adds what the variable says, which may be meant for other programs: one that makes no sense is
// a warning. invalid_argument when two have the same name.
Result<> complete_preloads(std::vector<Preload>& preloads, const Process& process);

// invalid_argument when a preload is called as a model that was given otherwise.
Result<> check_names(const std::vector<Preload>& preloads, std::string_view model);

}  // namespace quern::cli
