#include "guestapi/tensor_context.hpp"

#include <algorithm>
#include <utility>

namespace quern::guestapi {
namespace {

std::size_t bytes_of(const tensor::NamedTensors& tensors) {
  std::size_t bytes = 0;
  for (const tensor::NamedTensor& each : tensors) bytes += each.tensor.bytes.size();
  return bytes;
}

}  // namespace

void TensorContext::stop() {
  if (const auto running = std::exchange(running_, nullptr)) running->stop.request_stop();
}

NnStep TensorContext::hold(std::size_t inputs, std::size_t outputs) {
  if (held_.resize(inputs + outputs, NnSession::kMostHeld)) return {};
  return {NnStatus::too_large, "the prompts and tensors of one guest may have 64 MiB together"};
}

NnStep TensorContext::set_input(std::uint32_t index, tensor::Tensor tensor) {
  if (index < graph_->inputs().size()) {
    return set_input(std::string_view(graph_->inputs()[index]), std::move(tensor));
  }
  return {NnStatus::invalid_argument, "there is no input " + std::to_string(index) +
                                          "; the graph has " +
                                          std::to_string(graph_->inputs().size())};
}

NnStep TensorContext::set_input(std::string_view name, tensor::Tensor tensor) {
  TRY(check(tensor));
  if (inputs_.use_count() > 1) inputs_ = std::make_shared<tensor::NamedTensors>(*inputs_);
  std::erase_if(*inputs_, [&](const auto& each) { return each.name == name; });
  const std::size_t bytes = bytes_of(*inputs_) + tensor.bytes.size();
  if (NnStep held = hold(bytes, bytes_of(outputs_)); !held.succeeded()) return held;
  inputs_->push_back({std::string(name), std::move(tensor)});
  return {};
}

void TensorContext::forget_inputs() {
  inputs_ = std::make_shared<tensor::NamedTensors>();
  outputs_.clear();
  (void)hold(0, 0);
}

NnStep TensorContext::compute(NnCall& call) {
  if (!running_) {
    outputs_.clear();
    auto begun = std::make_shared<Running>();
    TRY(computing_.run([graph = graph_, inputs = inputs_, begun] {
      begun->done.put(graph->compute(*inputs, begun->stop.get_token()));
    }));
    running_ = std::move(begun);
  }
  auto done = running_->done.take_or_wait(call.waker());
  if (!done) return NnStep::pending();
  running_ = nullptr;
  tensor::NamedTensors outputs = TRY(*std::move(done));
  if (NnStep held = hold(bytes_of(*inputs_), bytes_of(outputs)); !held.succeeded()) return held;
  outputs_ = std::move(outputs);
  return {};
}

NnStep TensorContext::output(std::uint32_t index, NnCall& /*call*/, std::string& out) {
  if (index >= outputs_.size()) {
    return {NnStatus::invalid_argument, outputs_.empty()
                                            ? "nothing was computed yet"
                                            : "there is no output " + std::to_string(index)};
  }
  out = as_text(outputs_[index].tensor.bytes);
  return {};
}

NnStep TensorContext::outputs(NnCall& /*call*/, tensor::NamedTensors& out) {
  out = std::exchange(outputs_, {});
  return hold(bytes_of(*inputs_), 0);
}

}  // namespace quern::guestapi
