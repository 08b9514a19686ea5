// A graph that OpenVINO has compiled.
#pragma once

#include "tensor/openvino_library.hpp"
#include "tensor/tensor.hpp"

namespace quern::tensor {

class OpenVinoGraph final : public Graph {
 public:
  // Takes the model. `ov` outlives it.
  static Result<std::shared_ptr<Graph>> create(const OpenVino& ov, ov_compiled_model_t* model,
                                               Bytes most_outputs);
  ~OpenVinoGraph() override;
  OpenVinoGraph(const OpenVinoGraph&) = delete;
  OpenVinoGraph& operator=(const OpenVinoGraph&) = delete;

  const std::vector<std::string>& inputs() const override { return inputs_; }
  const std::vector<std::string>& outputs() const override { return outputs_; }
  Result<NamedTensors> compute(const NamedTensors& inputs, const std::stop_token& stop) override;

 private:
  struct Input {
    ov_element_type_e type{};
    bool scalar = false;  // the file says that it has no dimensions
  };
  OpenVinoGraph(const OpenVino& ov, ov_compiled_model_t* model, Bytes most_outputs)
      : ov_(ov), model_(model), most_outputs_(most_outputs) {}
  Result<> read_inputs();
  Result<> read_outputs();
  // A tensor can have several names, of which inputs() has one; TensorFlow's "x:0" may be called
  // "x".
  std::string name_of_input(const std::string& name) const;
  Result<> give(ov_infer_request_t& request, std::size_t index, const Tensor& tensor) const;
  Result<NamedTensors> take(const ov_infer_request_t& request) const;
  Result<Tensor> take_one(const ov_tensor_t& made, std::uint64_t& bytes_left) const;

  const OpenVino& ov_;
  ov_compiled_model_t* const model_;
  const Bytes most_outputs_;
  std::vector<std::string> inputs_;
  std::vector<Input> about_inputs_;  // in their order
  std::vector<std::string> outputs_;
};

}  // namespace quern::tensor
