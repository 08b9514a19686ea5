#include "base/files.hpp"
#include "wasm/bridge_values.hpp"
#include "wasm/host_table.hpp"
#include "wasm/instance.hpp"
#include "wasm/residents.hpp"
#include "wasm/runs.hpp"
#include "wasm/thread_order.hpp"
#include "wasm/wasm.hpp"

#include <memory>
#include <utility>

namespace quern::wasm {
namespace {

// Far more than any program; what is larger was named by mistake.
constexpr Bytes kLargestProgram = 1_GiB;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free(object);
  }
};
void end(qb_engine* engine) {
  qb_engine_free(engine);
  comes_after_all();
}

using EngineHandle = std::unique_ptr<qb_engine, Free<end>>;
using ProgramHandle = std::unique_ptr<qb_program, Free<qb_program_free>>;
using LinkedHandle = std::unique_ptr<qb_linked, Free<qb_linked_free>>;

class BridgeProgram final : public Program {
 public:
  explicit BridgeProgram(qb_program* program) : handle_(program) {
    facts_ = qb_program_describe(program, this, [](void* self, std::uint32_t fact, qb_bytes name) {
      static_cast<BridgeProgram*>(self)->told(fact, text(name));
    });
  }

  ProgramKind kind() const override {
    return facts_.component ? ProgramKind::component : ProgramKind::module;
  }
  const std::vector<std::string>& imports() const override { return imports_; }
  const std::vector<std::string>& exports() const override { return exports_; }
  const std::string& digest() const override { return digest_; }
  bool is_command() const override { return facts_.command; }
  bool is_http_handler() const override { return facts_.http_handler; }
  const qb_program* handle() const { return handle_.get(); }

 private:
  void told(std::uint32_t fact, std::string name) {
    switch (fact) {
      case QB_DIGEST: digest_ = std::move(name); return;
      case QB_IMPORT: imports_.push_back(std::move(name)); return;
      case QB_EXPORT: exports_.push_back(std::move(name)); return;
      default: return;
    }
  }

  ProgramHandle handle_;
  qb_program_facts facts_{};
  std::vector<std::string> imports_;
  std::vector<std::string> exports_;
  std::string digest_;
};

class BridgeLinked final : public Linked {
 public:
  BridgeLinked(qb_linked* linked, ProgramKind kind) : handle_(linked), kind_(kind) {}

  std::unique_ptr<Running> run(Sandbox sandbox, std::function<void(Result<int>)> done) override {
    return start_run(handle_.get(), std::move(sandbox), std::move(done));
  }
  std::unique_ptr<Running> invoke(Sandbox sandbox, std::string function,
                                  std::vector<std::string> arguments,
                                  std::function<void(Result<Invoked>)> done) override {
    const auto start = kind_ == ProgramKind::module ? start_invoke : start_call;
    return start(handle_.get(), std::move(sandbox), function, arguments, std::move(done));
  }
  std::unique_ptr<HttpExchange> handle(Sandbox sandbox, HttpRequest request,
                                       std::shared_ptr<HttpResponseSink> sink) override {
    return start_exchange(handle_.get(), std::move(sandbox), request, std::move(sink));
  }
  Result<std::unique_ptr<Resident>> reside(Sandbox sandbox) override {
    return start_resident(handle_.get(), std::move(sandbox));
  }
  Result<std::unique_ptr<ResidentComponent>> reside_component(Sandbox sandbox) override {
    return start_component(handle_.get(), std::move(sandbox));
  }
  Result<std::chrono::nanoseconds> measure_start(const Sandbox& sandbox) override {
    SandboxView given(std::make_unique<Instance>(sandbox));
    std::uint64_t nanoseconds = 0;
    TRY(check(qb_measure_start(handle_.get(), given.give(), &nanoseconds)));
    return std::chrono::nanoseconds(nanoseconds);
  }

 private:
  LinkedHandle handle_;
  const ProgramKind kind_;
};

class BridgeEngine final : public Engine {
 public:
  explicit BridgeEngine(qb_engine* engine) : handle_(engine) {}

  Result<std::shared_ptr<const Program>> load(ByteView wasm, std::string_view name) override {
    qb_program* program = nullptr;
    TRY(check(qb_program_load(handle_.get(), borrow(wasm), borrow(name), &program)));
    return std::make_shared<const BridgeProgram>(program);
  }

  Result<std::shared_ptr<const Program>> load_file(const std::filesystem::path& path) override {
    return load(TRY(RealFiles().read(path, kLargestProgram)), path.string());
  }

  Result<Buffer> precompile(ByteView wasm) override {
    qb_buffer image{};
    TRY(check(qb_program_precompile(handle_.get(), borrow(wasm), &image)));
    return take_bytes(image);
  }

  Result<std::shared_ptr<const Program>> load_trusted_image(ByteView image,
                                                            ByteView wasm) override {
    qb_program* program = nullptr;
    TRY(check(qb_program_load_image(handle_.get(), borrow(image), borrow(wasm), &program)));
    return std::make_shared<const BridgeProgram>(program);
  }

  Result<std::shared_ptr<Linked>> link(std::shared_ptr<const Program> program,
                                       const HostImports& host) override {
    // Engine::load is the only maker of programs.
    const auto& compiled = static_cast<const BridgeProgram&>(*program);
    auto table = std::make_unique<HostTable>(host);
    const HostTable::Description description = table->describe();
    const qb_host view = {.host = hand_over(table.release()),  // host_drop deletes it
                          .items = description.items.data(),
                          .item_count = description.items.size(),
                          .raw = description.raw.data(),
                          .raw_count = description.raw.size(),
                          .advice = description.advice.data(),
                          .advice_count = description.advice.size()};
    qb_linked* linked = nullptr;
    TRY(check(qb_link(handle_.get(), compiled.handle(), &view, &linked)));
    return std::make_shared<BridgeLinked>(linked, compiled.kind());
  }

  std::unique_ptr<Running> replay(std::shared_ptr<const Program> program,
                                  const std::filesystem::path& recording, Sandbox sandbox,
                                  std::function<void(Result<Replayed>)> done) override {
    const auto& compiled = static_cast<const BridgeProgram&>(*program);
    return start_replay(handle_.get(), compiled.handle(), recording, std::move(sandbox),
                        std::move(done));
  }

  std::uint32_t live_instances() const override { return qb_engine_live(handle_.get()); }
  std::string describe() const override { return take_text(qb_engine_describe(handle_.get())); }

 private:
  EngineHandle handle_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(EngineOptions options) {
  qb_engine_options view{};
  view.cache_dir = borrow(options.cache_dir.native());
  view.worker_threads = options.worker_threads;
  view.max_instances = options.max_instances;
  view.max_memory = options.max_memory.count;
  view.stack = options.stack.count;
  view.place_wait_ms = static_cast<std::uint64_t>(options.place_wait.count());
  set_instance_callbacks(view.callbacks);
  set_host_callbacks(view.callbacks);
  set_run_callbacks(view.callbacks);
  qb_engine* engine = nullptr;
  TRY(check(qb_engine_new(&view, &engine)));
  return std::make_unique<BridgeEngine>(engine);
}

}  // namespace quern::wasm
