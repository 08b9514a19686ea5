// tensor: runs graphs of numbers, such as ONNX files, on libraries that are there or not.
//
// For:     named tensors in, named tensors out. An Engine turns a file or bytes into a Graph; a
//          GraphShelf hands out the graphs of one process by name, each loaded once by the first
//          library that is here and reads it.
// Refuses: text, tokens and chat (inference); who may use what (guestapi).
// Owns:    an Engine outlives its graphs; graphs are shared and hold no state between computations.
// Threads: everything may be called from any thread. Loading and computing block their caller.
// Errors:  unsupported when no library is here, or none can do this; not_found for a file;
//          corrupt_data for one that is no graph; invalid_argument for inputs that do not fit;
//          resource_exhausted at a limit; cancelled.
//
//     auto engine = TRY(open_onnx_runtime({}, process, files));
//     auto graph = TRY(engine->load_file({Encoding::onnx, "encoder.onnx"}));
//     auto outputs = TRY(graph->compute({{"input", tensor}}, stop));
//
// A further library is one more Engine, and a row in known_libraries (docs/guides/wasi-nn.md).
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
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

// What a graph is written in. `openvino`: OpenVINO's own form (IR) from bytes; whatever OpenVINO
// reads from a file.
enum class Encoding : std::uint8_t { openvino, onnx, tensorflow, tensorflow_lite };

std::string_view to_string(Encoding encoding);

// A graph of whoever runs this process: it may lead to further files beside it. For TensorFlow a
// frozen graph, or the folder of a SavedModel.
struct GraphFile {
  Encoding encoding = Encoding::onnx;
  std::filesystem::path path;
  // Of OpenVINO's own form only. Empty: beside `path`, under its name with ".bin".
  std::filesystem::path weights{};
};

// A graph of somebody who is not trusted.
struct GraphBytes {
  Encoding encoding = Encoding::onnx;
  ByteView graph;
  ByteView weights{};  // of OpenVINO's own form only
};

class Engine {
 public:
  virtual ~Engine() = default;
  // "ONNX Runtime 1.32.0".
  virtual std::string describe() const = 0;
  // Both: unsupported for an encoding that it does not read.
  virtual Result<std::shared_ptr<Graph>> load_file(const GraphFile& file) = 0;
  // permission_denied for a graph that leads to files. The bytes are read during the call only.
  virtual Result<std::shared_ptr<Graph>> load_bytes(const GraphBytes& bytes) = 0;
};

struct EngineOptions {
  // Of all graphs, with what they compute; 0: half of what this process may use. Beyond it a load
  // or computation ends with resource_exhausted. OpenVINO knows no such bound.
  Bytes memory{};
  // Of all outputs of one computation; beyond it resource_exhausted.
  Bytes outputs = 64_MiB;
  // Computing threads, shared by all graphs; 0: one a processor.
  std::uint32_t threads = 0;
};

// Each from a shared library: the file that a variable names ($QUERN_ONNXRUNTIME, $QUERN_OPENVINO),
// or the one beside this program, the system's, that of Python's package (onnxruntime, openvino).
// not_found, saying how to get it, when it is nowhere; unsupported when the named one cannot be
// used, or this build knows none. One of each a process. `files` outlives the engine.
Result<std::unique_ptr<Engine>> open_onnx_runtime(const EngineOptions& options,
                                                  const Process& process, Files& files);
Result<std::unique_ptr<Engine>> open_openvino(const EngineOptions& options, const Process& process,
                                              Files& files);

// A library that may be here, and what it reads.
struct Library {
  std::string_view name;
  std::span<const Encoding> reads;  // lives as long as the process
  std::function<Result<std::unique_ptr<Engine>>()> open;
};

// All that this program knows, in the order in which they are asked. Both arguments outlive them.
std::vector<Library> known_libraries(const EngineOptions& options, const Process& process,
                                     Files& files);

}  // namespace quern::tensor
