// tensor: runs graphs of numbers, such as ONNX files, on a library that is there or not.
//
// For:     named tensors in, named tensors out. An Engine turns a file or bytes into a Graph; a
//          GraphShelf hands out the graphs of one process by name, each loaded once.
// Refuses: text, tokens and chat (inference); who may use what (guestapi).
// Owns:    an Engine outlives its graphs; graphs are shared and hold no state between computations.
// Threads: everything may be called from any thread. Loading and computing block their caller.
// Errors:  unsupported when the library is not here, or cannot do this; not_found for a file;
//          corrupt_data for one that is no graph; invalid_argument for inputs that do not fit;
//          resource_exhausted at a limit; cancelled.
//
//     auto engine = TRY(open_onnx_runtime({}, process, files));
//     auto graph = TRY(engine->load_file("encoder.onnx"));
//     auto outputs = TRY(graph->compute({{"input", tensor}}, stop));
//
// A further library is one more file that makes an Engine (docs/guides/wasi-nn.md).
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::tensor {

// In the order of wasi:nn's `tensor-type`.
enum class ElementType : std::uint8_t { f16, f32, f64, bf16, u8, i32, i64 };

std::string_view to_string(ElementType type);
std::size_t bytes_of(ElementType type);

// Elements in row-major order, little-endian. Without dimensions: one element.
struct Tensor {
  ElementType type = ElementType::u8;
  std::vector<std::uint32_t> shape;
  Buffer bytes;
};

// invalid_argument when there are more or fewer bytes than type and shape say.
Result<> check(const Tensor& tensor);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using NamedTensors = std::vector<NamedTensor>;

class Graph {
 public:
  virtual ~Graph() = default;
  // Names in the order of the file.
  virtual const std::vector<std::string>& inputs() const = 0;
  virtual const std::vector<std::string>& outputs() const = 0;
  // Every input by its name, once; every output. `stop` ends it between two operations.
  virtual Result<NamedTensors> compute(const NamedTensors& inputs, const std::stop_token& stop) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // "ONNX Runtime 1.32.0".
  virtual std::string describe() const = 0;
  // A file of whoever runs this process: it may name further files beside it.
  virtual Result<std::shared_ptr<Graph>> load_file(const std::filesystem::path& path) = 0;
  // Bytes of somebody who is not trusted: a graph that leads to files is refused. Valid during the
  // call only.
  virtual Result<std::shared_ptr<Graph>> load_bytes(ByteView bytes) = 0;
};

struct EngineOptions {
  // Of all graphs, with what they compute; 0: half of what this process may use. Beyond it a load
  // or computation ends with resource_exhausted.
  Bytes memory{};
  // Of all outputs of one computation; beyond it resource_exhausted.
  Bytes outputs = 64_MiB;
  // Computing threads, shared by all graphs; 0: one a processor.
  std::uint32_t threads = 0;
};

// ONNX Runtime, from the shared library that $QUERN_ONNXRUNTIME names, or beside this program, or
// where the system or Python's onnxruntime package has it. unsupported, saying how to get it, when
// it is nowhere. One a process.
Result<std::unique_ptr<Engine>> open_onnx_runtime(const EngineOptions& options,
                                                  const Process& process, Files& files);

}  // namespace quern::tensor
