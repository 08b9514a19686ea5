#include "guestapi/nn_host.hpp"

#include "guestapi/nn_records.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace quern::guestapi {
namespace {

// A context and the graph it belongs to, which may be unloaded meanwhile.
struct BoundContext final : Handle {
  BoundContext(std::shared_ptr<NnGraph> of, std::shared_ptr<NnContext> held)
      : graph(std::move(of)), context(std::move(held)) {}
  void ended() override { context->ended(); }
  const std::shared_ptr<NnGraph> graph;
  const std::shared_ptr<NnContext> context;
};

class Call final : public NnCall {
 public:
  explicit Call(wasm::RawCall& raw) : raw_(raw) {}
  std::function<void()> waker() override { return raw_.waker(); }
  void print(std::string_view text) override { raw_.print(wasm::Stream::out, text); }

 private:
  wasm::RawCall& raw_;
};

std::uint32_t argument(const wasm::RawCall& call, std::size_t index) {
  return static_cast<std::uint32_t>(call.argument(index));
}

Result<std::shared_ptr<BoundContext>> context_of(const GuestInstance& guest,
                                                 const wasm::RawCall& call) {
  return guest.handles.find<BoundContext>(argument(call, 0), "execution context");
}

// One that may compute.
Result<std::shared_ptr<BoundContext>> loaded_context_of(const GuestInstance& guest,
                                                        const wasm::RawCall& call) {
  auto bound = TRY(context_of(guest, call));
  if (bound->graph->loaded()) return bound;
  return fail(ErrorKind::invalid_argument, "the context's graph was unloaded");
}

// Gives the guest a number for what it has now.
Result<std::uint32_t> hand_out(GuestInstance& guest, wasm::RawCall& call,
                               std::shared_ptr<Handle> handle, std::uint32_t id_out) {
  const std::uint32_t id = TRY(guest.handles.add(std::move(handle)));
  TRY(call.memory().write_u32(id_out, id));
  return id;
}

void tell(GuestInstance& guest, std::string_view function, const NnStep& step) {
  if (step.why().empty()) return;
  // The line of advice after it is for people at a terminal.
  const std::string why = step.why().substr(0, step.why().find('\n'));
  guest.warn("wasi_ephemeral_nn." + std::string(function) + ": " + why);
}

}  // namespace

wasm::RawFunction NnHost::function(std::string name, std::size_t parameters, Method method) {
  const auto ask = [this, name, method](wasm::RawCall& call) -> Result<wasm::RawStatus> {
    auto* const guest = dynamic_cast<GuestInstance*>(call.state());
    if (guest == nullptr) {
      return fail(ErrorKind::guest_trap, "this guest was given no models at all");
    }
    NnStep step = call.memory().size().count == 0 ? NnStep(NnStatus::missing_memory)
                                                  : (this->*method)(*guest, call);
    if (step.is_pending()) return wasm::RawStatus::pending;
    tell(*guest, name, step);
    call.result(0, static_cast<std::uint64_t>(step.status()));
    return wasm::RawStatus::done;
  };
  return {.module = "wasi_ephemeral_nn",
          .name = std::move(name),
          .parameters = std::vector(parameters, wasm::RawType::i32),
          .results = {wasm::RawType::i32},
          .call = ask};
}

std::vector<wasm::RawFunction> NnHost::functions() {
  return {
      function("load", 5, &NnHost::load),
      function("load_by_name", 3, &NnHost::load_by_name),
      function("load_by_name_with_config", 5, &NnHost::load_by_name_with_config),
      function("init_execution_context", 2, &NnHost::init_execution_context),
      function("set_input", 3, &NnHost::set_input),
      function("compute", 1, &NnHost::compute),
      function("compute_single", 1, &NnHost::compute_single),
      function("get_output", 5, &NnHost::get_output),
      function("get_output_single", 5, &NnHost::get_output_single),
      function("fini_single", 1, &NnHost::fini_single),
      function("unload", 1, &NnHost::unload),
      function("finalize_execution_context", 1, &NnHost::finalize_execution_context),
  };
}

NnStep NnHost::load_named(GuestInstance& guest, wasm::RawCall& call, std::string_view name,
                          std::string_view config, std::uint32_t id_out) {
  if (const auto live = guest.nn.graphs.find(name); live != guest.nn.graphs.end()) {
    TRY(call.memory().write_u32(id_out, live->second));
    return {};
  }
  TRY(call.memory().view(id_out, sizeof(std::uint32_t)));  // before anything is loaded
  std::shared_ptr<NnGraph> graph;
  Call nn(call);
  if (NnStep loaded = backends_.load_by_name(guest, nn, name, config, graph); !loaded.succeeded()) {
    return loaded;
  }
  guest.nn.graphs.emplace(name, TRY(hand_out(guest, call, std::move(graph), id_out)));
  return {};
}

NnStep NnHost::load_by_name(GuestInstance& guest, wasm::RawCall& call) {
  const auto name = TRY(call.memory().text(argument(call, 0), argument(call, 1)));
  return load_named(guest, call, name, {}, argument(call, 2));
}

NnStep NnHost::load_by_name_with_config(GuestInstance& guest, wasm::RawCall& call) {
  const auto name = TRY(call.memory().text(argument(call, 0), argument(call, 1)));
  const auto config = TRY(call.memory().text(argument(call, 2), argument(call, 3)));
  return load_named(guest, call, name, config, argument(call, 4));
}

NnStep NnHost::load(GuestInstance& guest, wasm::RawCall& call) {
  const auto builders = TRY(read_builders(call.memory(), argument(call, 0), argument(call, 1)));
  TRY(call.memory().view(argument(call, 4), sizeof(std::uint32_t)));
  std::shared_ptr<NnGraph> graph;
  Call nn(call);
  NnStep loaded = backends_.load(guest, nn, builders, argument(call, 2), argument(call, 3), graph);
  if (!loaded.succeeded()) return loaded;
  TRY(hand_out(guest, call, std::move(graph), argument(call, 4)));
  return {};
}

NnStep NnHost::init_execution_context(GuestInstance& guest, wasm::RawCall& call) {
  const auto graph = TRY(guest.handles.find<NnGraph>(argument(call, 0), "graph"));
  if (!graph->loaded()) return {NnStatus::invalid_argument, "the graph was unloaded"};
  TRY(call.memory().view(argument(call, 1), sizeof(std::uint32_t)));
  auto context = std::make_shared<BoundContext>(graph, graph->make_context(guest));
  TRY(hand_out(guest, call, std::move(context), argument(call, 1)));
  return {};
}

NnStep NnHost::set_input(GuestInstance& guest, wasm::RawCall& call) {
  const auto bound = TRY(loaded_context_of(guest, call));
  tensor::Tensor tensor = TRY(read_tensor(call.memory(), argument(call, 2)));
  return bound->context->set_input(argument(call, 1), std::move(tensor));
}

NnStep NnHost::compute(GuestInstance& guest, wasm::RawCall& call) {
  Call nn(call);
  return TRY(loaded_context_of(guest, call))->context->compute(nn);
}

NnStep NnHost::compute_single(GuestInstance& guest, wasm::RawCall& call) {
  Call nn(call);
  return TRY(loaded_context_of(guest, call))->context->compute_single(nn);
}

NnStep NnHost::get_output(GuestInstance& guest, wasm::RawCall& call) {
  const auto bound = TRY(context_of(guest, call));
  std::string out;
  Call nn(call);
  NnStep step = bound->context->output(argument(call, 1), nn, out);
  return step.succeeded() ? write_output(call, out) : step;
}

NnStep NnHost::get_output_single(GuestInstance& guest, wasm::RawCall& call) {
  const auto bound = TRY(context_of(guest, call));
  std::string out;
  Call nn(call);
  NnStep step = bound->context->output_single(argument(call, 1), nn, out);
  return step.succeeded() ? write_output(call, out) : step;
}

NnStep NnHost::fini_single(GuestInstance& guest, wasm::RawCall& call) {
  return TRY(context_of(guest, call))->context->end_single();
}

NnStep NnHost::unload(GuestInstance& guest, wasm::RawCall& call) {
  const std::uint32_t id = argument(call, 0);
  const auto graph = TRY(guest.handles.find<NnGraph>(id, "graph"));
  graph->unload();
  guest.handles.remove(id);
  std::erase_if(guest.nn.graphs, [&](const auto& named) { return named.second == id; });
  return {};
}

NnStep NnHost::finalize_execution_context(GuestInstance& guest, wasm::RawCall& call) {
  TRY(context_of(guest, call));
  guest.handles.remove(argument(call, 0));
  return {};
}

}  // namespace quern::guestapi
