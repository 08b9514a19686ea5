// A core module of WASI-NN for tests: a memory and calls, without any wasm.
#pragma once

#include "guestapi/guestapi.hpp"
#include "guestapi/nn_abi.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::guestapi {

// A call of a core module, asked again as the engine does.
class FakeRawCall final : public wasm::RawCall {
 public:
  FakeRawCall(std::vector<std::byte>& memory, std::vector<std::uint64_t> arguments,
              wasm::InstanceState* state)
      : memory_({memory.data(), memory.size()}), arguments_(std::move(arguments)), state_(state) {}

  wasm::GuestMemory& memory() override { return memory_; }
  std::uint64_t argument(std::size_t index) const override { return arguments_.at(index); }
  void result(std::size_t /*index*/, std::uint64_t value) override { result_ = value; }
  wasm::InstanceState* state() const override { return state_; }
  std::function<void()> waker() override {
    return [signal = signal_] {
      const std::lock_guard lock(signal->mutex);
      signal->woken = true;
      signal->changed.notify_all();
    };
  }
  Result<std::uint32_t> grow(std::uint32_t /*pages*/) override {
    return fail(ErrorKind::unsupported, "a fake");
  }
  void print(wasm::Stream stream, std::string_view text) override {
    (stream == wasm::Stream::out ? printed : complained) += text;
  }

  NnStatus until_done(const wasm::RawFunction& function) {
    for (;;) {
      const auto status = function.call(*this);
      if (!status.ok()) {
        ADD_FAILURE() << function.name << " trapped: " << status.error().describe();
        return NnStatus::runtime_error;
      }
      if (*status == wasm::RawStatus::done) return static_cast<NnStatus>(result_);
      std::unique_lock lock(signal_->mutex);
      const bool woken =
          signal_->changed.wait_for(lock, std::chrono::seconds(5), [&] { return signal_->woken; });
      EXPECT_TRUE(woken) << function.name << " was not woken";
      if (!woken) return NnStatus::runtime_error;
      signal_->woken = false;
    }
  }

  std::string printed;
  std::string complained;

 private:
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
  };
  wasm::GuestMemory memory_;
  const std::vector<std::uint64_t> arguments_;
  wasm::InstanceState* const state_;
  std::uint64_t result_ = 0;
  const std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
};

// A core module of WASI-NN without any wasm: a memory, and calls.
class NnGuest {
 public:
  NnGuest(const GuestApi& api, const Grants& grants, Guest guest = {.tenant = "t", .meter = {}})
      : api_(api), state_(api.sandbox(grants, std::move(guest)).value().state) {}
  ~NnGuest() {
    if (state_) state_->ended();
  }

  template <class... Arguments>
  NnStatus call(std::string_view name, Arguments... arguments) {
    FakeRawCall raw = make(name, arguments...);
    const NnStatus status = raw.until_done(find(name));
    printed += raw.printed;
    return status;
  }
  // Of a function that answers at once.
  template <class... Arguments>
  Result<wasm::RawStatus> result_of(std::string_view name, Arguments... arguments) {
    FakeRawCall raw = make(name, arguments...);
    const auto status = find(name).call(raw);
    printed += raw.printed;
    complained += raw.complained;
    return status;
  }

  // A text at `at`; its length.
  std::uint32_t put(std::uint32_t at, std::string_view text) {
    std::memcpy(memory.data() + at, text.data(), text.size());
    return static_cast<std::uint32_t>(text.size());
  }
  void put_u32(std::uint32_t at, std::uint32_t value) { std::memcpy(&memory[at], &value, 4); }
  std::uint32_t u32(std::uint32_t at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, &memory[at], 4);
    return value;
  }

  NnStatus load(std::string_view name, std::string_view config = {}) {
    const auto name_size = put(kName, name);
    if (config.empty()) return call("load_by_name", kName, name_size, kGraph);
    return call("load_by_name_with_config", kName, name_size, kData, put(kData, config), kGraph);
  }
  NnStatus set(std::uint32_t index, std::string_view text, std::uint32_t type = 3,
               std::uint32_t elements = 0) {
    const std::uint32_t size = put(kData, text);
    put_u32(kDims, elements == 0 ? size : elements);
    const std::uint32_t fields[] = {kDims, 1, type, kData, size};
    for (std::uint32_t i = 0; i < 5; ++i) put_u32(kTensor + 4 * i, fields[i]);
    return call("set_input", context(), index, kTensor);
  }
  // Loads "fake", or another graph, and makes a context.
  void open(std::string_view config = {}, std::string_view name = "fake") {
    ASSERT_EQ(load(name, config), NnStatus::success);
    ASSERT_EQ(call("init_execution_context", u32(kGraph), kContext), NnStatus::success);
  }
  // load() of one builder.
  NnStatus bring(std::string_view builder, std::uint32_t encoding, std::uint32_t target = 0) {
    put_u32(kTensor, kData);
    put_u32(kTensor + 4, put(kData, builder));
    return call("load", kTensor, 1, encoding, target, kGraph);
  }
  // load() of two: a graph in OpenVINO's own form, and its weights.
  NnStatus bring_ir(std::string_view graph, std::string_view weights) {
    put_u32(kTensor, kName);
    put_u32(kTensor + 4, put(kName, graph));
    put_u32(kTensor + 8, kData);
    put_u32(kTensor + 12, put(kData, weights));
    constexpr std::uint32_t kOpenVino = 0, kCpu = 0;
    return call("load", kTensor, 2, kOpenVino, kCpu, kGraph);
  }
  std::uint32_t context() const { return u32(kContext); }
  NnStatus get(std::string_view function, std::uint32_t index, std::string& out,
               std::uint32_t room = 4096) {
    const NnStatus status = call(function, context(), index, kOut, room, kWritten);
    if (status == NnStatus::success) {
      out.assign(reinterpret_cast<const char*>(&memory[kOut]), u32(kWritten));
    }
    return status;
  }
  std::string output(std::uint32_t index = 0) {
    std::string out;
    EXPECT_EQ(get("get_output", index, out), NnStatus::success);
    return out;
  }
  void end() {
    state_->ended();
    state_ = nullptr;
  }

  static constexpr std::uint32_t kGraph = 0, kContext = 4, kWritten = 8, kDims = 12, kTensor = 16;
  static constexpr std::uint32_t kName = 64, kOut = 1024, kData = 8192;
  std::vector<std::byte> memory = std::vector<std::byte>(1U << 20U);
  std::string printed;
  std::string complained;

 private:
  template <class... Arguments>
  FakeRawCall make(std::string_view name, Arguments... arguments) {
    EXPECT_EQ(find(name).parameters.size(), sizeof...(arguments)) << name;
    return {memory, {static_cast<std::uint64_t>(arguments)...}, state_.get()};
  }
  const wasm::RawFunction& find(std::string_view name) const {
    for (const wasm::RawFunction& function : api_.imports().functions) {
      if (function.name == name) return function;
    }
    ADD_FAILURE() << "no function " << name;
    static const wasm::RawFunction none;
    return none;
  }

  const GuestApi& api_;
  std::shared_ptr<wasm::InstanceState> state_;
};

}  // namespace quern::guestapi
