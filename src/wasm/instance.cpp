#include "wasm/instance.hpp"

#include "base/log.hpp"
#include "wasm/bridge_values.hpp"
#include "wasm/thread_order.hpp"

#include <algorithm>

namespace quern::wasm {
namespace {

constexpr std::size_t kMostDenials = 16;  // told of one instance

QUERN_CALLBACK void drop(void* instance) noexcept {
  const AfterAll turn(instance);
  delete static_cast<Instance*>(instance);
}

QUERN_CALLBACK void write(void* instance, std::uint32_t stream, qb_bytes bytes) noexcept {
  const InTurn turn(instance);
  const Sandbox& sandbox = static_cast<Instance*>(instance)->sandbox;
  (stream == 1 ? sandbox.out : sandbox.err)->write(view(bytes));
}

QUERN_CALLBACK void warn(void* instance, qb_bytes words) noexcept {
  const InTurn turn(instance);
  log::warn("wasm", static_cast<Instance*>(instance)->sandbox.log_tag + text(words));
}

// The guest hears no more than "denied", so whoever runs it has to hear what it lacks; once, for a
// guest may try for ever.
bool told(Instance& instance, const Result<>& allowed) {
  if (allowed.ok()) return true;
  const std::string& why = allowed.error().message();
  const bool is_new = instance.denials.with(
      [&](auto& denials) { return denials.size() < kMostDenials && denials.insert(why).second; });
  if (is_new) log::warn("wasm", instance.sandbox.log_tag + why);
  return false;
}

QUERN_CALLBACK bool allow_request(void* instance, qb_bytes method, qb_bytes scheme,
                                  qb_bytes authority, qb_bytes path) noexcept {
  const InTurn turn(instance);
  Instance& asking = *static_cast<Instance*>(instance);
  return told(asking, asking.sandbox.network->allow_request({.method = text(method),
                                                             .scheme = text(scheme),
                                                             .authority = text(authority),
                                                             .path = text(path)}));
}

QUERN_CALLBACK bool allow_socket(void* instance, std::uint32_t use, qb_bytes address) noexcept {
  const InTurn turn(instance);
  Instance& asking = *static_cast<Instance*>(instance);
  return told(asking, asking.sandbox.network->allow_socket(static_cast<SocketUse>(use),
                                                           as_text(view(address))));
}

QUERN_CALLBACK void resolved(void* instance, qb_bytes name, qb_bytes address) noexcept {
  const InTurn turn(instance);
  const auto& network = static_cast<Instance*>(instance)->sandbox.network;
  network->resolved(as_text(view(name)), {text(address)});
}

std::uint32_t output_code(const std::shared_ptr<OutputSink>& sink, Standard otherwise) {
  if (sink != nullptr) return QB_OUT_SINK;
  return otherwise == Standard::inherit ? QB_OUT_INHERIT : QB_OUT_NULL;
}

std::uint64_t milliseconds(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(std::max<std::chrono::milliseconds::rep>(time.count(), 0));
}

}  // namespace

SandboxView::SandboxView(std::unique_ptr<Instance> instance) : instance_(std::move(instance)) {
  const Sandbox& sandbox = instance_->sandbox;
  args_.reserve(sandbox.args.size());
  for (const std::string& arg : sandbox.args) args_.push_back(borrow(arg));
  env_.reserve(sandbox.env.size());
  for (const auto& [name, value] : sandbox.env) env_.push_back({borrow(name), borrow(value)});
  directories_.reserve(sandbox.directories.size());
  for (const Directory& directory : sandbox.directories) {
    directories_.push_back({.host = borrow(directory.host.native()),
                            .guest = borrow(directory.guest),
                            .writable = directory.access == Access::read_write});
  }
  const Limits& limits = sandbox.limits;
  view_ = {.instance = nullptr,
           .args = args_.data(),
           .arg_count = args_.size(),
           .env = env_.data(),
           .env_count = env_.size(),
           .directories = directories_.data(),
           .directory_count = directories_.size(),
           .network = sandbox.network != nullptr,
           .inherit_in = sandbox.standard_in == Standard::inherit,
           .out = sandbox.out_pipe >= 0 ? static_cast<std::uint32_t>(QB_OUT_PIPE)
                                        : output_code(sandbox.out, sandbox.standard_out),
           .err = output_code(sandbox.err, sandbox.standard_out),
           .out_pipe = sandbox.out_pipe,
           .memory_bytes = limits.memory.count,
           .table_elements = limits.table_elements,
           .wall_ms = milliseconds(limits.wall),
           .cpu_ms = milliseconds(limits.cpu),
           .handles = limits.handles,
           .output_bytes = limits.output.count,
           .record_file = {},
           .record_program = {},
           .record_bytes = 0};
  if (const auto& record = sandbox.record) {
    view_.record_file = borrow(record->file.native());
    view_.record_program = borrow(record->program);
    view_.record_bytes = record->limit.count;
  }
}

const qb_sandbox* SandboxView::give() {
  view_.instance = hand_over(instance_.release());  // the bridge's from here
  return &view_;
}

void set_instance_callbacks(qb_callbacks& callbacks) {
  callbacks.instance_drop = drop;
  callbacks.instance_write = write;
  callbacks.instance_warn = warn;
  callbacks.instance_allow_request = allow_request;
  callbacks.instance_allow_socket = allow_socket;
  callbacks.instance_resolved = resolved;
}

}  // namespace quern::wasm
