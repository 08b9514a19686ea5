#include "guestapi/nn_component.hpp"

#include "base/guarded.hpp"
#include "guestapi/nn_asking.hpp"

#include <array>
#include <utility>
#include <vector>

namespace quern::guestapi {
namespace {

constexpr std::uint32_t kMostDimensions = 8;
constexpr std::uint32_t kMostInputs = 256;
constexpr std::uint32_t kMostBuilders = 64;
constexpr std::size_t kLongestName = 1024;

// In the order of wasi:nn's `error-code`.
enum class Code : std::uint32_t {
  invalid_argument,
  invalid_encoding,
  timeout,
  runtime_error,
  unsupported_operation,
  too_large,
  not_found,
  security,
  unknown,
};

Code code_of(const NnStep& step) {
  if (step.denied()) return Code::security;
  switch (step.status()) {
    case NnStatus::invalid_argument:
    case NnStatus::missing_memory: return Code::invalid_argument;
    case NnStatus::invalid_encoding: return Code::invalid_encoding;
    case NnStatus::unsupported_operation: return Code::unsupported_operation;
    case NnStatus::too_large:
    case NnStatus::context_full:
    case NnStatus::prompt_too_long: return Code::too_large;
    case NnStatus::not_found:
    case NnStatus::model_not_found: return Code::not_found;
    case NnStatus::busy:
    case NnStatus::runtime_error: return Code::runtime_error;
    case NnStatus::success:
    case NnStatus::end_of_sequence: return Code::unknown;
  }
  return Code::unknown;
}

// wasi:nn's `graph-encoding` in the numbers of core modules.
constexpr std::array kEncodings = {
    NnEncoding::openvino,        NnEncoding::onnx, NnEncoding::tensorflow, NnEncoding::pytorch,
    NnEncoding::tensorflow_lite, NnEncoding::ggml, NnEncoding::automatic};

struct HeldTensor final : Handle {
  HeldTensor(tensor::Tensor of, GuestInstance& guest)
      : tensor(std::move(of)), held(guest.nn.held) {}
  tensor::Tensor tensor;
  NnHeld held;
};

struct HeldError final : Handle {
  explicit HeldError(const NnStep& step) : code(code_of(step)), text(step.why()) {}
  const Code code;
  const std::string text;
};

// An execution context, and the call that computes in it now.
//
// A call that waits leads to the instance, which leads here: ended() breaks the circle. A context
// is touched by one thread at a time, so where a call is on its way ended() has it look again.
struct HeldContext final : Handle {
  explicit HeldContext(std::shared_ptr<NnContext> held) : context(std::move(held)) {}
  void ended() override {
    is_ended = true;
    if (const auto waiting = asking.lock()->lock()) return waiting->wake();
    context->ended();
  }
  const std::shared_ptr<NnContext> context;
  std::atomic<bool> is_ended{false};
  Guarded<std::weak_ptr<NnAsking>> asking;
};

// A tensor as a handle; guest_trap when the guest holds too much.
Result<std::uint32_t> hold(GuestInstance& guest, tensor::Tensor tensor) {
  const std::size_t bytes = tensor.bytes.size();
  auto held = std::make_shared<HeldTensor>(std::move(tensor), guest);
  if (!held->held.resize(bytes, NnSession::kMostHeld)) {
    return fail(ErrorKind::guest_trap, "the tensors of one guest may have 64 MiB together");
  }
  return guest.handles.add(std::move(held));
}

GuestInstance& guest_of(const wasm::HostCall& call) {
  return dynamic_cast<GuestInstance&>(*call.state());
}

// result<..., error>
void refuse(wasm::HostCall& call, const NnStep& step) {
  const auto id = guest_of(call).handles.add(std::make_shared<HeldError>(step));
  if (!id.ok()) return call.trap(id.error().message());
  wasm::ValueWriter out;
  call.resolve(out.present(false).resource(*id));
}

void answer_handle(wasm::HostCall& call, std::shared_ptr<Handle> handle) {
  const auto id = guest_of(call).handles.add(std::move(handle));
  if (!id.ok()) return call.trap(id.error().message());
  wasm::ValueWriter out;
  call.resolve(out.present(true).resource(*id));
}

// Asks `step` until it is over, then answers with the graph it has made.
void load_graph(const std::shared_ptr<wasm::HostCall>& call,
                std::function<NnStep(NnCall&, std::shared_ptr<NnGraph>&)> step) {
  const auto graph = std::make_shared<std::shared_ptr<NnGraph>>();
  std::make_shared<NnAsking>(
      call, [graph, step = std::move(step)](NnCall& nn) { return step(nn, *graph); },
      [graph](wasm::HostCall& waiting, const NnStep& done) {
        if (!done.succeeded()) return refuse(waiting, done);
        answer_handle(waiting, std::move(*graph));
      })
      ->begin();
}

Result<std::shared_ptr<HeldTensor>> tensor_of(const GuestInstance& guest,
                                              const wasm::HostCall& call) {
  return guest.handles.find<HeldTensor>(call.arguments().resource(), "tensor");
}

// Takes the tensors that the guest handed over; each leaves the table, whatever comes of it.
NnStep take_inputs(GuestInstance& guest, wasm::ValueReader& in, NnContext& context) {
  NnStep result;
  context.forget_inputs();
  const std::uint32_t count = in.count();
  for (std::uint32_t left = count; left > 0; --left) {
    const std::string_view name = in.text();
    const std::uint32_t id = in.resource();
    const auto held = TRY(guest.handles.find<HeldTensor>(id, "tensor"));
    guest.handles.remove(id);
    if (!result.succeeded()) continue;
    if (count > kMostInputs || name.size() > kLongestName) {
      result = {NnStatus::invalid_argument, "more than 256 inputs, or a name of over 1 KiB"};
      continue;
    }
    (void)held->held.resize(0, 0);  // the context counts it from here on
    result = context.set_input(name, std::move(held->tensor));
  }
  return result;
}

// All of them, or too_large and none.
void answer_outputs(wasm::HostCall& call, tensor::NamedTensors outputs) {
  HandleTable& handles = guest_of(call).handles;
  std::vector<std::uint32_t> made;
  wasm::ValueWriter out;
  out.present(true).count(outputs.size());
  for (tensor::NamedTensor& output : outputs) {
    const auto id = hold(guest_of(call), std::move(output.tensor));
    if (!id.ok()) {
      for (const std::uint32_t earlier : made) handles.remove(earlier);
      return refuse(call, {NnStatus::too_large, id.error().message()});
    }
    made.push_back(*id);
    out.text(output.name).resource(*id);
  }
  call.resolve(out);
}

}  // namespace

wasm::HostFunction NnComponentHost::function(Method method) {
  return [this, method](std::unique_ptr<wasm::HostCall> call) {
    const Call shared = std::move(call);
    const auto guest = std::dynamic_pointer_cast<GuestInstance>(shared->state());
    if (!guest) return shared->trap("this guest was given no models at all");
    const Result<> done = (this->*method)(*guest, shared);
    if (!done.ok()) shared->trap(done.error().message());
  };
}

Result<> NnComponentHost::make_tensor(GuestInstance& guest, const Call& call) {
  wasm::ValueReader in = call->arguments();
  const std::uint32_t dimensions = in.count();
  if (dimensions > kMostDimensions) {
    return fail(ErrorKind::guest_trap, "a tensor of more than 8 dimensions");
  }
  tensor::Tensor tensor;
  for (std::uint32_t i = 0; i < dimensions; ++i) tensor.shape.push_back(in.u32());
  tensor.type = static_cast<tensor::ElementType>(in.discriminant());
  const ByteView bytes = in.bytes();
  tensor.bytes.assign(bytes.begin(), bytes.end());
  wasm::ValueWriter out;
  call->resolve(out.resource(TRY(hold(guest, std::move(tensor)))));
  return {};
}

Result<> NnComponentHost::dimensions(GuestInstance& guest, const Call& call) {
  const auto held = TRY(tensor_of(guest, *call));
  wasm::ValueWriter out;
  out.count(held->tensor.shape.size());
  for (const std::uint32_t size : held->tensor.shape) out.u32(size);
  call->resolve(out);
  return {};
}

Result<> NnComponentHost::element_type(GuestInstance& guest, const Call& call) {
  const auto held = TRY(tensor_of(guest, *call));
  wasm::ValueWriter out;
  call->resolve(out.discriminant(static_cast<std::uint32_t>(held->tensor.type)));
  return {};
}

Result<> NnComponentHost::data(GuestInstance& guest, const Call& call) {
  const auto held = TRY(tensor_of(guest, *call));
  wasm::ValueWriter out;
  call->resolve(out.bytes(held->tensor.bytes));
  return {};
}

Result<> NnComponentHost::load(GuestInstance& guest, const Call& call) {
  wasm::ValueReader in = call->arguments();
  const std::uint32_t count = in.count();
  if (count > kMostBuilders) return fail(ErrorKind::guest_trap, "more than 64 builders");
  NnBuilders builders;  // in the call's own bytes, which live as long as the step
  for (std::uint32_t i = 0; i < count; ++i) builders.push_back(as_text(in.bytes()));
  const auto encoding = static_cast<std::uint32_t>(kEncodings.at(in.discriminant()));
  const std::uint32_t target = in.discriminant();
  load_graph(call, [this, &guest, builders, encoding, target](NnCall& nn, auto& graph) {
    return backends_.load(guest, nn, builders, encoding, target, graph);
  });
  return {};
}

Result<> NnComponentHost::load_by_name(GuestInstance& guest, const Call& call) {
  wasm::ValueReader in = call->arguments();
  load_graph(call, [this, &guest, name = std::string(in.text())](NnCall& nn, auto& graph) {
    return backends_.load_by_name(guest, nn, name, {}, graph);
  });
  return {};
}

Result<> NnComponentHost::init_execution_context(GuestInstance& guest, const Call& call) {
  const auto graph = TRY(guest.handles.find<NnGraph>(call->arguments().resource(), "graph"));
  answer_handle(*call, std::make_shared<HeldContext>(graph->make_context(guest)));
  return {};
}

Result<> NnComponentHost::compute(GuestInstance& guest, const Call& call) {
  wasm::ValueReader in = call->arguments();
  const auto held = TRY(guest.handles.find<HeldContext>(in.resource(), "execution context"));
  if (NnStep taken = take_inputs(guest, in, *held->context); !taken.succeeded()) {
    refuse(*call, taken);
    return {};
  }
  const auto outputs = std::make_shared<tensor::NamedTensors>();
  const auto step = [held, outputs, computed = false](NnCall& nn) mutable -> NnStep {
    if (held->is_ended) {
      held->context->ended();
      return {NnStatus::runtime_error, "the program has ended"};
    }
    if (!computed) {
      if (NnStep done = held->context->compute(nn); !done.succeeded()) return done;
      computed = true;
    }
    return held->context->outputs(nn, *outputs);
  };
  const auto asking = std::make_shared<NnAsking>(
      call, step, [held, outputs](wasm::HostCall& waiting, const NnStep& done) {
        held->context->forget_inputs();  // they were handed over for this once
        held->asking.lock()->reset();
        if (!done.succeeded()) return refuse(waiting, done);
        answer_outputs(waiting, std::move(*outputs));
      });
  *held->asking.lock() = asking;
  asking->begin();
  return {};
}

Result<> NnComponentHost::code(GuestInstance& guest, const Call& call) {
  const auto error = TRY(guest.handles.find<HeldError>(call->arguments().resource(), "error"));
  wasm::ValueWriter out;
  call->resolve(out.discriminant(static_cast<std::uint32_t>(error->code)));
  return {};
}

Result<> NnComponentHost::words(GuestInstance& guest, const Call& call) {
  const auto error = TRY(guest.handles.find<HeldError>(call->arguments().resource(), "error"));
  wasm::ValueWriter out;
  call->resolve(out.text(error->text));
  return {};
}

std::vector<wasm::HostInterface> NnComponentHost::interfaces() {
  const auto resource = [](const char* name) {
    return wasm::HostResource{.name = name,
                              .drop = [](wasm::InstanceState* state, std::uint32_t id) {
                                if (auto* const guest = dynamic_cast<GuestInstance*>(state))
                                  guest->handles.remove(id);
                              }};
  };
  const auto named = [](const char* interface) {
    return "wasi:nn/" + std::string(interface) + "@0.2.0-rc-2024-10-28";
  };
  using Host = NnComponentHost;
  return {
      {.name = named("errors"),
       .functions = {{"[method]error.code", function(&Host::code)},
                     {"[method]error.data", function(&Host::words)}},
       .resources = {resource("error")}},
      {.name = named("tensor"),
       .functions = {{"[constructor]tensor", function(&Host::make_tensor)},
                     {"[method]tensor.dimensions", function(&Host::dimensions)},
                     {"[method]tensor.ty", function(&Host::element_type)},
                     {"[method]tensor.data", function(&Host::data)}},
       .resources = {resource("tensor")}},
      {.name = named("inference"),
       .functions = {{"[method]graph-execution-context.compute", function(&Host::compute)}},
       .resources = {resource("graph-execution-context")}},
      {.name = named("graph"),
       .functions = {{"load", function(&Host::load)},
                     {"load-by-name", function(&Host::load_by_name)},
                     {"[method]graph.init-execution-context",
                      function(&Host::init_execution_context)}},
       .resources = {resource("graph")}},
  };
}

}  // namespace quern::guestapi
