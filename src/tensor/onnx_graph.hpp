// A graph that ONNX Runtime has loaded.
#pragma once

#include "tensor/onnx_library.hpp"
#include "tensor/tensor.hpp"

namespace quern::tensor {

class OnnxGraph final : public Graph {
 public:
  // Takes the session. `api` lives as long as the process; the session's environment outlives it.
  static Result<std::shared_ptr<Graph>> create(const OrtApi& api, OrtSession* session,
                                               Bytes most_outputs);
  ~OnnxGraph() override;
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  const std::vector<std::string>& inputs() const override { return inputs_; }
  const std::vector<std::string>& outputs() const override { return outputs_; }
  Result<NamedTensors> compute(const NamedTensors& inputs, const std::stop_token& stop) override;

 private:
  OnnxGraph(const OrtApi& api, OrtSession* session, Bytes most_outputs)
      : api_(api), session_(session), most_outputs_(most_outputs) {}
  Result<> read_names();
  // Whether the file says that this input has no dimensions.
  bool is_scalar(const std::string& input) const;
  Result<NamedTensors> take(const std::vector<OrtValue*>& values) const;
  Result<Tensor> take_one(const OrtValue& value, std::uint64_t& bytes_left) const;

  const OrtApi& api_;
  OrtSession* const session_;
  const Bytes most_outputs_;
  std::vector<std::string> inputs_;
  std::vector<std::string> scalars_;  // inputs without dimensions
  std::vector<std::string> outputs_;
};

}  // namespace quern::tensor
