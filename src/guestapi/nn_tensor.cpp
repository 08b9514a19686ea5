#include "guestapi/nn_tensor.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/tensor_context.hpp"

#include <functional>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::string_view kPreload = "preload:";

class TensorGraph final : public NnGraph {
 public:
  TensorGraph(std::shared_ptr<tensor::Graph> graph, std::shared_ptr<NnHeld> held, Lane& computing)
      : graph_(std::move(graph)), held_(std::move(held)), computing_(computing) {}

  std::shared_ptr<NnContext> make_context(GuestInstance& guest) override {
    return std::make_shared<TensorContext>(graph_, held_, guest, computing_);
  }

 private:
  const std::shared_ptr<tensor::Graph> graph_;
  // Its contexts keep it too, as they keep the graph. Null for graphs not the guest's own.
  const std::shared_ptr<NnHeld> held_;
  Lane& computing_;
};

// The instance's graph that is being loaded: begun with `load` if there is none.
NnStep load_on(GuestInstance& guest, NnCall& call, Lane& lane,
               const std::function<std::function<Result<std::shared_ptr<tensor::Graph>>()>()>& load,
               std::shared_ptr<tensor::Graph>& out) {
  if (!guest.nn.loading) {
    auto loading = std::make_shared<NnSession::Loading>();
    TRY(lane.run([loading, job = load()] { loading->put(job()); }));
    guest.nn.loading = std::move(loading);
  }
  auto loaded = guest.nn.loading->take_or_wait(call.waker());
  if (!loaded) return NnStep::pending();
  guest.nn.loading = nullptr;
  out = TRY(*std::move(loaded));
  return {};
}

}  // namespace

bool TensorBackend::reads(NnEncoding encoding, const NnBuilders& builders) const {
  if (encoding == NnEncoding::onnx) return true;
  if (encoding != NnEncoding::automatic || builders.empty()) return false;
  const std::string_view first = builders.front();
  if (first.starts_with(kPreload)) return graphs_.has(first.substr(kPreload.size()));
  return !first.starts_with("GGUF");
}

NnStep TensorBackend::load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                                   std::string_view /*config*/, std::shared_ptr<NnGraph>& out) {
  TRY(guest.check_granted(name));
  std::shared_ptr<tensor::Graph> graph = graphs_.loaded(name);
  if (!graph) {
    const auto load = [&] {
      return [&graphs = graphs_, copy = std::string(name)] { return graphs.open(copy); };
    };
    NnStep loaded = load_on(guest, call, loading_, load, graph);
    if (!loaded.succeeded()) return loaded;
  }
  out = std::make_shared<TensorGraph>(std::move(graph), nullptr, computing_);
  return {};
}

NnStep TensorBackend::load(GuestInstance& guest, NnCall& call, const NnBuilders& builders,
                           std::shared_ptr<NnGraph>& out) {
  if (builders.size() != 1) return {NnStatus::invalid_argument, "an ONNX graph has one part"};
  const std::string_view bytes = builders.front();
  if (bytes.starts_with(kPreload)) {
    return load_by_name(guest, call, bytes.substr(kPreload.size()), {}, out);
  }
  auto held = std::make_shared<NnHeld>(guest.nn.graph_bytes);
  TRY(guest.hold_graph(*held, bytes.size()));
  std::shared_ptr<tensor::Graph> graph;
  const auto load = [&] {
    return [&graphs = graphs_, copy = to_buffer(bytes)] { return graphs.load(copy); };
  };
  if (NnStep loaded = load_on(guest, call, loading_, load, graph); !loaded.succeeded()) {
    return loaded;
  }
  out = std::make_shared<TensorGraph>(std::move(graph), std::move(held), computing_);
  return {};
}

}  // namespace quern::guestapi
