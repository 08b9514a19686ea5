// Tensors set by a guest of WASI-NN, and the ones computed from them.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/lane.hpp"
#include "guestapi/nn_backend.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace quern::guestapi {

class TensorContext final : public NnContext {
 public:
  // `guest` and `computing` outlive it. `graph_held`: what the graph counts for; may be null.
  TensorContext(std::shared_ptr<tensor::Graph> graph, std::shared_ptr<NnHeld> graph_held,
                GuestInstance& guest, Lane& computing)
      : graph_(std::move(graph)),
        graph_held_(std::move(graph_held)),
        computing_(computing),
        held_(guest.nn.held) {}
  ~TensorContext() override { stop(); }
  void ended() override { stop(); }

  NnStep set_input(std::uint32_t index, tensor::Tensor tensor) override;
  NnStep set_input(std::string_view name, tensor::Tensor tensor) override;
  void forget_inputs() override;
  NnStep compute(NnCall& call) override;
  NnStep output(std::uint32_t index, NnCall& call, std::string& out) override;
  NnStep outputs(NnCall& call, tensor::NamedTensors& out) override;

 private:
  // A computation on its way. Shared with its job, which may outlive the context.
  struct Running {
    Later<Result<tensor::NamedTensors>> done;
    std::stop_source stop;
  };
  void stop();
  // Counts what is held; too_large when that is too much.
  NnStep hold(std::size_t inputs, std::size_t outputs);

  const std::shared_ptr<tensor::Graph> graph_;
  const std::shared_ptr<NnHeld> graph_held_;
  Lane& computing_;
  NnHeld held_;
  // Shared with the job; not changed while one may read it.
  std::shared_ptr<tensor::NamedTensors> inputs_ = std::make_shared<tensor::NamedTensors>();
  tensor::NamedTensors outputs_;
  std::shared_ptr<Running> running_;
};

}  // namespace quern::guestapi
