#include "guestapi/nn_tensor.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/tensor_context.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::string_view kPreload = "preload:";

// What a guest's graph is written in, by the guest's word or by how it begins.
std::optional<tensor::Encoding> encoding_of(NnEncoding encoding, const NnBuilders& builders) {
  using tensor::Encoding;
  switch (encoding) {
    case NnEncoding::openvino: return Encoding::openvino;
    case NnEncoding::onnx: return Encoding::onnx;
    case NnEncoding::tensorflow: return Encoding::tensorflow;
    case NnEncoding::tensorflow_lite: return Encoding::tensorflow_lite;
    case NnEncoding::automatic: break;
    default: return std::nullopt;
  }
  if (builders.empty() || builders.front().starts_with("GGUF")) return std::nullopt;
  const std::string_view first = builders.front();
  if (first.starts_with("<")) return Encoding::openvino;
  if (first.size() > 8 && first.substr(4, 4) == "TFL3") return Encoding::tensorflow_lite;
  return Encoding::onnx;
}

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
  if (encoding == NnEncoding::automatic && !builders.empty() &&
      builders.front().starts_with(kPreload)) {
    return graphs_.has(builders.front().substr(kPreload.size()));
  }
  return encoding_of(encoding, builders).has_value();
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

NnStep TensorBackend::load(GuestInstance& guest, NnCall& call, NnEncoding encoding,
                           const NnBuilders& builders, std::shared_ptr<NnGraph>& out) {
  const auto form = encoding_of(encoding, builders);
  const std::size_t parts = form == tensor::Encoding::openvino ? 2 : 1;
  if (!form || builders.empty() || builders.size() > parts) {
    return {NnStatus::invalid_argument, "a graph has one part, one of OpenVINO may have two"};
  }
  const std::string_view bytes = builders.front();
  if (bytes.starts_with(kPreload)) {
    return load_by_name(guest, call, bytes.substr(kPreload.size()), {}, out);
  }
  const std::string_view weights = builders.size() > 1 ? builders[1] : std::string_view();
  auto held = std::make_shared<NnHeld>(guest.nn.graph_bytes);
  TRY(guest.hold_graph(*held, bytes.size() + weights.size()));
  std::shared_ptr<tensor::Graph> graph;
  const auto load = [&] {
    return [&graphs = graphs_, form = *form, copy = to_buffer(bytes), more = to_buffer(weights)] {
      return graphs.load({.encoding = form, .graph = copy, .weights = more});
    };
  };
  if (NnStep loaded = load_on(guest, call, loading_, load, graph); !loaded.succeeded()) {
    return loaded;
  }
  out = std::make_shared<TensorGraph>(std::move(graph), std::move(held), computing_);
  return {};
}

}  // namespace quern::guestapi
