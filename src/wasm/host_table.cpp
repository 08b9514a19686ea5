#include "wasm/host_table.hpp"

#include "base/check.hpp"
#include "base/log.hpp"
#include "wasm/bridge_values.hpp"
#include "wasm/instance.hpp"
#include "wasm/thread_order.hpp"
#include "wasm/waitable.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace quern::wasm {
namespace {

static_assert(sizeof(RawType) == 1, "qb_raw_item carries types as bytes");

class BridgeCall final : public HostCall {
 public:
  BridgeCall(qb_call* call, std::shared_ptr<InstanceState> state)
      : call_(call), state_(std::move(state)) {}
  BridgeCall(const BridgeCall&) = delete;
  BridgeCall& operator=(const BridgeCall&) = delete;
  ~BridgeCall() override {
    if (call_ != nullptr) qb_call_drop(call_);
  }

  ValueReader arguments() const override { return ValueReader(view(qb_call_arguments(call_))); }
  const std::shared_ptr<InstanceState>& state() const override { return state_; }

  void resolve(const ValueWriter& results) override {
    std::vector<qb_waitable*> waitables;
    for (const auto& waitable : results.waitables()) {
      // Waitable::create is the only maker of waitables.
      waitables.push_back(static_cast<BridgeWaitable*>(waitable.get())->handle());
    }
    qb_call_resolve(answered(), borrow(results.encoded()), waitables.data(), waitables.size());
  }
  void print(Stream stream, std::string_view text) override {
    CHECK(call_ != nullptr, "a host call prints after its answer");
    qb_call_print(call_, stream == Stream::out ? 1 : 2, borrow(text));
  }
  void trap(std::string message) override { qb_call_trap(answered(), borrow(message)); }

 private:
  qb_call* answered() {
    CHECK(call_ != nullptr, "a host call was answered twice");
    return std::exchange(call_, nullptr);  // the bridge takes it
  }

  qb_call* call_;
  std::shared_ptr<InstanceState> state_;  // shared: host functions keep it over the call's end
};

class BridgeRawCall final : public RawCall {
 public:
  explicit BridgeRawCall(qb_raw_call& call)
      : call_(call),
        memory_({reinterpret_cast<std::byte*>(call.memory), call.memory_size}, watch(call)) {}

  GuestMemory& memory() override { return memory_; }
  std::uint64_t argument(std::size_t index) const override { return call_.values[index]; }
  void result(std::size_t index, std::uint64_t value) override {
    call_.values[call_.arguments + index] = value;
  }
  InstanceState* state() const override {
    return static_cast<Instance*>(call_.instance)->sandbox.state.get();
  }
  std::function<void()> waker() override {
    const std::shared_ptr<qb_waker> waker(qb_waker_new(call_.waker_source), qb_waker_free);
    return [waker] { qb_waker_wake(waker.get()); };
  }
  void print(Stream stream, std::string_view text) override {
    qb_raw_print(call_.printer, stream == Stream::out ? 1 : 2, borrow(text));
  }
  Result<std::uint32_t> grow(std::uint32_t pages) override {
    if (call_.grower == nullptr) {
      return fail(ErrorKind::unsupported, "only a function that answers at once grows memory");
    }
    std::uint32_t begins = 0;
    TRY(check(qb_raw_grow(&call_, pages, &begins)));
    memory_ =
        GuestMemory({reinterpret_cast<std::byte*>(call_.memory), call_.memory_size}, watch(call_));
    return begins;
  }

 private:
  static GuestMemory::Watch watch(const qb_raw_call& call) {
    if (call.written == nullptr) return nullptr;
    return [written = call.written](std::uint32_t pointer, std::uint32_t length) {
      qb_raw_wrote(written, pointer, length);
    };
  }

  qb_raw_call& call_;
  GuestMemory memory_;
};

QUERN_CALLBACK void drop(void* host) noexcept {
  const AfterAll turn(host);
  delete static_cast<HostTable*>(host);
}

// No exception may reach the bridge's frames. What throws there is no memory for what a guest
// handed over, or arguments of other types than ours, and costs that guest alone: a call that is
// not answered is a trap.
template <class Function>
std::optional<std::string> caught(Function function) noexcept {
  try {
    function();
    return std::nullopt;
  } catch (const std::exception& error) {
    log::error("wasm", std::string("a host function failed: ") + error.what());
    return std::string("the host could not do that: ") + error.what();
  }
}

QUERN_CALLBACK void call(void* host, std::uint32_t index, void* instance, qb_call* call) noexcept {
  comes_after(host);
  const InTurn turn(instance);
  (void)caught([&] {
    const auto& state = static_cast<Instance*>(instance)->sandbox.state;
    static_cast<HostTable*>(host)->item(index).function(std::make_unique<BridgeCall>(call, state));
  });
}

QUERN_CALLBACK void drop_resource(void* host, std::uint32_t index, void* instance,
                                  std::uint32_t rep) noexcept {
  comes_after(host);
  const InTurn turn(instance);
  (void)caught([&] {
    InstanceState* state = static_cast<Instance*>(instance)->sandbox.state.get();
    static_cast<HostTable*>(host)->item(index).drop(state, rep);
  });
}

QUERN_CALLBACK std::uint32_t raw_call(void* host, std::uint32_t index, qb_raw_call* call,
                                      qb_text_out trap) noexcept {
  comes_after(host);
  const InTurn turn(call->instance);
  Result<RawStatus> status = RawStatus::done;
  const std::optional<std::string> thrown = caught([&] {
    BridgeRawCall raw(*call);
    status = static_cast<HostTable*>(host)->raw(index).call(raw);
  });
  if (thrown || !status.ok()) {
    trap.set(trap.target, borrow(thrown ? *thrown : status.error().describe()));
    return QB_RAW_TRAP;
  }
  return *status == RawStatus::done ? QB_RAW_DONE : QB_RAW_PENDING;
}

qb_bytes types(const std::vector<RawType>& types) {
  return borrow(std::as_bytes(std::span(types)));
}

}  // namespace

HostTable::HostTable(const HostImports& imports)
    : raw_(imports.functions), advice_(imports.advice) {
  for (const HostInterface& interface : imports.interfaces) {
    for (const HostResource& resource : interface.resources) {
      items_.push_back({interface.name, resource.name, nullptr, resource.drop});
    }
    for (const auto& [name, function] : interface.functions) {
      items_.push_back({interface.name, name, function, nullptr});
    }
  }
}

HostTable::Description HostTable::describe() const {
  Description description;
  for (const Item& item : items_) {
    description.items.push_back({.interface_name = borrow(item.interface_name),
                                 .name = borrow(item.name),
                                 .resource = item.function == nullptr});
  }
  for (const RawFunction& raw : raw_) {
    description.raw.push_back({.module = borrow(raw.module),
                               .name = borrow(raw.name),
                               .parameters = types(raw.parameters),
                               .results = types(raw.results),
                               .waits = raw.pace == RawPace::may_wait});
  }
  for (const ImportAdvice& entry : advice_) {
    description.advice.push_back({borrow(entry.beginning), borrow(entry.advice)});
  }
  return description;
}

void set_host_callbacks(qb_callbacks& callbacks) {
  callbacks.host_drop = drop;
  callbacks.host_call = call;
  callbacks.host_resource_drop = drop_resource;
  callbacks.host_raw_call = raw_call;
}

}  // namespace quern::wasm
