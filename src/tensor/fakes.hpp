// For tests: an engine without a library. Its graphs have the inputs "a" and "b" and the outputs
// "sum" (F32, a + b element by element) and "shape" (I64, a's dimensions).
#pragma once

#include "tensor/tensor.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace quern::tensor {

class FakeGraph final : public Graph {
 public:
  const std::vector<std::string>& inputs() const override { return inputs_; }
  const std::vector<std::string>& outputs() const override { return outputs_; }
  // A first element of -1 waits until `stop`, as a computation that does not end.
  Result<NamedTensors> compute(const NamedTensors& inputs, const std::stop_token& stop) override;

 private:
  const std::vector<std::string> inputs_ = {"a", "b"};
  const std::vector<std::string> outputs_ = {"sum", "shape"};
};

// Files ending in ".onnx", and bytes that begin with "ONNX", are graphs, whatever their encoding;
// so are an IR's bytes "<net/>" with the weights "0123".
class FakeEngine final : public Engine {
 public:
  std::string describe() const override { return "a fake"; }
  Result<std::shared_ptr<Graph>> load_file(const GraphFile& file) override;
  Result<std::shared_ptr<Graph>> load_bytes(const GraphBytes& bytes) override;
};

// Makes a FakeEngine, for ONNX and OpenVINO.
Library fake_library();

// A tensor of F32.
Tensor floats(std::vector<std::uint32_t> shape, const std::vector<float>& values);
std::vector<float> floats_of(const Tensor& tensor);

}  // namespace quern::tensor
