// Graphs through OpenVINO's C API
// (https://docs.openvino.ai/2026/api/c_cpp_api/group__ov__c__api.html).
//
// One core for the process. Its plugins and readers are those that lie beside the library. What it
// compiles is kept nowhere but in memory, and nothing is looked up elsewhere. Numbers are computed
// as the file has them: left alone, the library computes 32-bit floats with 16 bits where the
// processor is faster at it, and the same file would answer differently on another machine.
#include "tensor/ir_bytes.hpp"
#include "tensor/onnx_bytes.hpp"
#include "tensor/openvino_graph.hpp"
#include "tensor/shared_library.hpp"
#include "tensor/tensor.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

// Of a graph that is not trusted. The library's work on a graph grows with the square of its
// operations, and nothing ends it: three thousand in a row take three seconds, twenty thousand
// minutes.
constexpr std::uint64_t kMostOperations = 3000;

// The library reads TensorFlow's forms only from files, and tries TensorFlow's as text as well,
// whose reader follows any depth; how many operations they have, nothing here can count.
Result<> check_bytes(const GraphBytes& bytes) {
  std::uint64_t operations = 0;
  if (bytes.encoding == Encoding::openvino) {
    operations = TRY(check_ir_bytes(bytes.graph));
  } else if (bytes.encoding == Encoding::onnx) {
    const OnnxContents contents = TRY(check_onnx_bytes(bytes.graph));
    if (contents.functions) {
      return fail(ErrorKind::unsupported, "the model has functions; write their nodes out");
    }
    operations = contents.nodes;
  } else {
    return fail(ErrorKind::unsupported,
                "graphs of " + std::string(to_string(bytes.encoding)) +
                    " are read from their owner's files only: grant it with --nn-preload");
  }
  if (operations <= kMostOperations) return {};
  return fail(ErrorKind::resource_exhausted,
              "the graph has " + std::to_string(operations) + " operations, of " +
                  std::to_string(kMostOperations) + " that a program's own may have");
}

// The library goes by the ends of names, and would read a file of one form as another's.
Result<> check_ending(const GraphFile& file, const FileInfo& info) {
  const Path ending = file.path.extension();
  const bool lite = file.encoding == Encoding::tensorflow_lite;
  if (lite && ending != ".tflite") {
    return fail(
        ErrorKind::corrupt_data,
        file.path.string() + ": a graph of TensorFlow Lite has a name that ends in .tflite");
  }
  if (file.encoding == Encoding::tensorflow && ending != ".pb" && !info.directory) {
    return fail(ErrorKind::corrupt_data, file.path.string() +
                                             ": a graph of TensorFlow is a frozen one, in .pb, or "
                                             "the folder of a SavedModel");
  }
  return {};
}

class OpenVinoEngine final : public Engine {
 public:
  OpenVinoEngine(OpenVino library, EngineOptions options, Files& files)
      : ov_(std::move(library)), options_(options), files_(files) {}
  ~OpenVinoEngine() override {
    if (core_ != nullptr) ov_.core_free(core_);
  }
  OpenVinoEngine(const OpenVinoEngine&) = delete;
  OpenVinoEngine& operator=(const OpenVinoEngine&) = delete;

  Result<> begin() { return check(ov_, ov_.core_create(&core_)); }
  std::string describe() const override { return "OpenVINO " + ov_.version; }
  Result<std::shared_ptr<Graph>> load_file(const GraphFile& file) override;
  Result<std::shared_ptr<Graph>> load_bytes(const GraphBytes& bytes) override;

 private:
  // Copies them: the graph's constants stay where the weights are.
  Result<ov_tensor_t*> keep(ByteView weights) const;
  Result<std::shared_ptr<Graph>> compile(const ov_model_t& model) const;

  const OpenVino ov_;
  const EngineOptions options_;
  Files& files_;
  ov_core_t* core_ = nullptr;
};

Result<std::shared_ptr<Graph>> OpenVinoEngine::load_file(const GraphFile& file) {
  const FileInfo info = TRY(files_.stat(file.path));
  TRY(check_ending(file, info));
  if (!file.weights.empty()) TRY(files_.stat(file.weights));
  Ov<ov_model_t> model(ov_.model_free);
  const auto read =
      check(ov_, ov_.core_read_model(core_, file.path.c_str(), file.weights.c_str(), model.out()));
  if (!read.ok()) return not_loaded(read.error());
  return compile(*model.get());
}

Result<ov_tensor_t*> OpenVinoEngine::keep(ByteView weights) const {
  std::int64_t size = static_cast<std::int64_t>(weights.size());
  Ov<ov_tensor_t> kept(ov_.tensor_free);
  TRY(check(ov_, ov_.tensor_create(U8, {.rank = 1, .dims = &size}, kept.out())));
  void* data = nullptr;
  TRY(check(ov_, ov_.tensor_data(kept.get(), &data)));
  std::memcpy(data, weights.data(), weights.size());
  return kept.release();
}

Result<std::shared_ptr<Graph>> OpenVinoEngine::load_bytes(const GraphBytes& bytes) {
  TRY(check_bytes(bytes));
  Ov<ov_tensor_t> weights(ov_.tensor_free);
  if (!bytes.weights.empty()) *weights.out() = TRY(keep(bytes.weights));
  const std::string_view text = as_text(bytes.graph);
  Ov<ov_model_t> model(ov_.model_free);
  const auto read = check(ov_, ov_.core_read_model_from_memory_buffer(
                                   core_, text.data(), text.size(), weights.get(), model.out()));
  if (!read.ok()) return not_loaded(read.error());
  return compile(*model.get());
}

Result<std::shared_ptr<Graph>> OpenVinoEngine::compile(const ov_model_t& model) const {
  const std::string threads = std::to_string(options_.threads);
  ov_compiled_model_t* compiled = nullptr;
  constexpr std::size_t kWords = 12;  // below: a name and a value each
  const auto made = check(ov_, ov_.core_compile_model(core_, &model, "CPU", kWords, &compiled,   //
                                                      "EXECUTION_MODE_HINT", "ACCURACY",         //
                                                      "INFERENCE_PRECISION_HINT", "f32",         //
                                                      "PERFORMANCE_HINT", "LATENCY",             //
                                                      "NUM_STREAMS", "1",                        //
                                                      "INFERENCE_NUM_THREADS", threads.c_str(),  //
                                                      "ENABLE_CPU_PINNING", "NO"));
  if (!made.ok()) return not_loaded(made.error());
  return OpenVinoGraph::create(ov_, compiled, options_.outputs);
}

}  // namespace

Result<std::unique_ptr<Engine>> open_openvino(const EngineOptions& options, const Process& process,
                                              Files& files) {
  OpenVino library = TRY(load_openvino(process, files));
  EngineOptions chosen = options;
  if (chosen.threads == 0) chosen.threads = std::max(process.processors(), 1U);
  auto engine = std::make_unique<OpenVinoEngine>(std::move(library), chosen, files);
  TRY(engine->begin().context(engine->describe()));
  return engine;
}

}  // namespace quern::tensor
