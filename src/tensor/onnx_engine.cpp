// Graphs through ONNX Runtime's C API (https://onnxruntime.ai/docs/api/c/).
//
// One environment for the process: its threads and its memory are shared by all graphs, so that
// both have one bound. What is not trusted (load_bytes) is loaded as it is: optimising a graph
// computes its constants, before any limit of a computation holds.
#include "base/log.hpp"

#include "tensor/onnx_bytes.hpp"
#include "tensor/onnx_graph.hpp"
#include "tensor/shared_library.hpp"
#include "tensor/tensor.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace quern::tensor {
namespace {

enum class Trust : std::uint8_t { ours, foreign };

void ORT_API_CALL tell(void* /*parameter*/, OrtLoggingLevel /*severity*/, const char* /*category*/,
                       const char* /*id*/, const char* /*location*/, const char* message) noexcept {
  if (log::enabled(log::Level::debug)) log::debug("tensor", message == nullptr ? "" : message);
}

Result<> check_reads(Encoding encoding) {
  if (encoding == Encoding::onnx) return {};
  return fail(ErrorKind::unsupported, "ONNX Runtime reads ONNX files only");
}

class OnnxEngine final : public Engine {
 public:
  OnnxEngine(OnnxLibrary library, EngineOptions options)
      : library_(std::move(library)), api_(*library_.api), options_(options) {}
  ~OnnxEngine() override {
    if (env_ != nullptr) api_.ReleaseEnv(env_);
  }
  OnnxEngine(const OnnxEngine&) = delete;
  OnnxEngine& operator=(const OnnxEngine&) = delete;

  Result<> begin();
  std::string describe() const override { return "ONNX Runtime " + library_.version; }
  Result<std::shared_ptr<Graph>> load_file(const GraphFile& file) override;
  Result<std::shared_ptr<Graph>> load_bytes(const GraphBytes& bytes) override;

 private:
  Result<> share_memory();
  Result<> configure(OrtSessionOptions& session, Trust trust) const;

  const OnnxLibrary library_;
  const OrtApi& api_;
  const EngineOptions options_;
  OrtEnv* env_ = nullptr;
};

Result<> OnnxEngine::begin() {
  Ort<OrtThreadingOptions> threading(api_.ReleaseThreadingOptions);
  TRY(check(api_, api_.CreateThreadingOptions(threading.out())));
  TRY(check(api_,
            api_.SetGlobalIntraOpNumThreads(threading.get(), static_cast<int>(options_.threads))));
  TRY(check(api_, api_.SetGlobalInterOpNumThreads(threading.get(), 1)));
  // Threads that wait for work sleep: the processors have models and guests to run as well.
  TRY(check(api_, api_.SetGlobalSpinControl(threading.get(), 0)));
  TRY(check(api_, api_.CreateEnvWithCustomLoggerAndGlobalThreadPools(
                      tell, nullptr, ORT_LOGGING_LEVEL_ERROR, "quern", threading.get(), &env_)));
  TRY(check(api_, api_.DisableTelemetryEvents(env_)));
  return share_memory();
}

Result<> OnnxEngine::share_memory() {
  Ort<OrtMemoryInfo> memory(api_.ReleaseMemoryInfo);
  TRY(check(api_, api_.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, memory.out())));
  // Grows by what is asked for, not by doubling: a bound that is near is still of use.
  constexpr std::array kKeys = {"max_mem", "arena_extend_strategy"};
  const std::array<std::size_t, 2> values = {static_cast<std::size_t>(options_.memory.count), 1};
  Ort<OrtArenaCfg> arena(api_.ReleaseArenaCfg);
  TRY(check(api_, api_.CreateArenaCfgV2(kKeys.data(), values.data(), kKeys.size(), arena.out())));
  return check(api_, api_.CreateAndRegisterAllocator(env_, memory.get(), arena.get()));
}

Result<> OnnxEngine::configure(OrtSessionOptions& session, Trust trust) const {
  TRY(check(api_, api_.DisablePerSessionThreads(&session)));
  TRY(check(api_, api_.AddSessionConfigEntry(&session, "session.use_env_allocators", "1")));
  if (trust == Trust::ours) return {};
  TRY(check(api_, api_.AddSessionConfigEntry(&session, "session.load_model_format", "ONNX")));
  return check(api_, api_.SetSessionGraphOptimizationLevel(&session, ORT_DISABLE_ALL));
}

Result<std::shared_ptr<Graph>> OnnxEngine::load_file(const GraphFile& file) {
  TRY(check_reads(file.encoding));
  Ort<OrtSessionOptions> options(api_.ReleaseSessionOptions);
  TRY(check(api_, api_.CreateSessionOptions(options.out())));
  TRY(configure(*options.get(), Trust::ours));
  OrtSession* session = nullptr;
  const auto made =
      check(api_, api_.CreateSession(env_, file.path.c_str(), options.get(), &session));
  if (!made.ok()) return not_loaded(made.error());
  return OnnxGraph::create(api_, session, options_.outputs);
}

Result<std::shared_ptr<Graph>> OnnxEngine::load_bytes(const GraphBytes& bytes) {
  TRY(check_reads(bytes.encoding));
  const ByteView model = bytes.graph;
  TRY(check_onnx_bytes(model));
  Ort<OrtSessionOptions> options(api_.ReleaseSessionOptions);
  TRY(check(api_, api_.CreateSessionOptions(options.out())));
  TRY(configure(*options.get(), Trust::foreign));
  OrtSession* session = nullptr;
  const auto made = check(
      api_, api_.CreateSessionFromArray(env_, model.data(), model.size(), options.get(), &session));
  if (!made.ok()) return not_loaded(made.error());
  return OnnxGraph::create(api_, session, options_.outputs);
}

}  // namespace

Result<std::unique_ptr<Engine>> open_onnx_runtime(const EngineOptions& options,
                                                  const Process& process, Files& files) {
  OnnxLibrary library = TRY(load_onnx_library(process, files));
  EngineOptions chosen = options;
  if (chosen.memory.count == 0) chosen.memory.count = process.memory().count / 2;
  if (chosen.threads == 0) chosen.threads = std::max(process.processors(), 1U);
  auto engine = std::make_unique<OnnxEngine>(std::move(library), chosen);
  TRY(engine->begin().context(engine->describe()));
  return engine;
}

}  // namespace quern::tensor
