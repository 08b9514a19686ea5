// `--nn-preload NAME:ENCODING:TARGET:PATH`: a model or graph for programs that use WASI-NN.
#pragma once

#include "base/process.hpp"
#include "cli/command.hpp"
#include "guestapi/guestapi.hpp"

#include "tensor/graph_shelf.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quern::cli {

// The variable by which container runtimes hand a program such a text.
inline constexpr const char* kPreloadVariable = "WASMEDGE_WASINN_PRELOAD";

// As WasmEdge writes it: ENCODING and TARGET in any case, PATH to the end, colons and all; for
// OpenVINO a second path may follow, that of the weights. What is to be detected is the graph that
// the file's name says, else GGML.
// invalid_argument, saying what is wrong; unsupported for an encoding that is not offered.
Result<Preload> parse_preload(std::string_view text);

// To those of its kind.
void add_preload(ModelOptions& model, Preload preload);

// Adds what the variable says, which may be meant for other programs: one that makes no sense is
// a warning.
void add_environment(ModelOptions& model, const Process& process);

// invalid_argument when two preloads have the same name, or one that of a model.
Result<> check_names(const ModelOptions& model, const std::vector<std::string>& models);

// Puts the graphs where guests find them.
void put_on_shelf(const ModelOptions& model, tensor::GraphShelf& shelf);

// Grants the guest every preload, by its name; a GGML model by its path as well.
void grant_preloads(const ModelOptions& model, guestapi::Grants& grants);

}  // namespace quern::cli
