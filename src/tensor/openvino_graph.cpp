#include "tensor/openvino_graph.hpp"

#include "tensor/named_inputs.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

namespace quern::tensor {
namespace {

struct Pair {
  ElementType ours;
  ov_element_type_e theirs;
};
constexpr std::array kTypes = {
    Pair{ElementType::f16, F16},   Pair{ElementType::f32, F32}, Pair{ElementType::f64, F64},
    Pair{ElementType::bf16, BF16}, Pair{ElementType::u8, U8},   Pair{ElementType::i32, I32},
    Pair{ElementType::i64, I64},
};

ov_element_type_e theirs(ElementType type) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Pair& p) { return p.ours == type; });
  return found == kTypes.end() ? ov_element_type_e{} : found->theirs;
}

std::optional<ElementType> ours(ov_element_type_e type) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Pair& p) { return p.theirs == type; });
  if (found == kTypes.end()) return std::nullopt;
  return found->ours;
}

std::string words_of(ov_element_type_e type) {
  const auto known = ours(type);
  return known ? std::string(to_string(*known))
               : "OpenVINO's type " + std::to_string(static_cast<int>(type));
}

// The library computes 64-bit integers with 32 bits, and cuts off the rest without a word.
Result<> check_range(const Tensor& tensor) {
  using Narrow = std::numeric_limits<std::int32_t>;
  if (tensor.type != ElementType::i64) return {};
  for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof(std::int64_t)) {
    std::int64_t value = 0;
    std::memcpy(&value, &tensor.bytes[at], sizeof(value));
    if (value >= Narrow::min() && value <= Narrow::max()) continue;
    return fail(ErrorKind::invalid_argument,
                "OpenVINO computes I64 with 32 bits, and " + std::to_string(value) + " needs more");
  }
  return {};
}

using Port = Ov<ov_output_const_port_t>;

// Its name, or what takes its place: a graph may leave its tensors without.
std::string name_of(const OpenVino& ov, const Port& port, const char* kind, std::size_t index) {
  char* text = nullptr;
  if (!check(ov, ov.port_get_any_name(port.get(), &text)).ok()) return kind + std::to_string(index);
  std::string name(text);
  ov.free(text);
  return name;
}

}  // namespace

Result<std::shared_ptr<Graph>> OpenVinoGraph::create(const OpenVino& ov, ov_compiled_model_t* model,
                                                     Bytes most_outputs) {
  std::shared_ptr<OpenVinoGraph> graph(new OpenVinoGraph(ov, model, most_outputs));
  TRY(graph->read_inputs());
  TRY(graph->read_outputs());
  return graph;
}

OpenVinoGraph::~OpenVinoGraph() { ov_.compiled_model_free(model_); }

Result<> OpenVinoGraph::read_inputs() {
  std::size_t count = 0;
  TRY(check(ov_, ov_.compiled_model_inputs_size(model_, &count)));
  inputs_.resize(count);
  about_inputs_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Port port(ov_.output_const_port_free);
    ov_partial_shape_t shape{};
    TRY(check(ov_, ov_.compiled_model_input_by_index(model_, i, port.out())));
    inputs_[i] = name_of(ov_, port, "input", i);
    TRY(check(ov_, ov_.port_get_element_type(port.get(), &about_inputs_[i].type)));
    TRY(check(ov_, ov_.port_get_partial_shape(port.get(), &shape)));
    about_inputs_[i].scalar = shape.rank.min == 0 && shape.rank.max == 0;
    ov_.partial_shape_free(&shape);
  }
  return {};
}

Result<> OpenVinoGraph::read_outputs() {
  std::size_t count = 0;
  TRY(check(ov_, ov_.compiled_model_outputs_size(model_, &count)));
  outputs_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Port port(ov_.output_const_port_free);
    TRY(check(ov_, ov_.compiled_model_output_by_index(model_, i, port.out())));
    outputs_[i] = name_of(ov_, port, "output", i);
  }
  return {};
}

std::string OpenVinoGraph::name_of_input(const std::string& name) const {
  if (holds(inputs_, name)) return name;
  for (const std::string& other : {name, name + ":0"}) {
    Port port(ov_.output_const_port_free);
    const auto found =
        check(ov_, ov_.compiled_model_input_by_name(model_, other.c_str(), port.out()));
    if (found.ok()) return name_of(ov_, port, "", 0);
  }
  return name;
}

Result<> OpenVinoGraph::give(ov_infer_request_t& request, std::size_t index,
                             const Tensor& tensor) const {
  static std::byte nothing{};  // for a tensor without elements
  TRY(check(tensor));
  const Input& wanted = about_inputs_[index];
  if (wanted.type != theirs(tensor.type)) {
    return fail(ErrorKind::invalid_argument, "it is " + words_of(wanted.type) + "; " +
                                                 std::string(to_string(tensor.type)) +
                                                 " was given");
  }
  if (wanted.scalar && tensor.bytes.size() != bytes_of(tensor.type)) {
    return fail(ErrorKind::invalid_argument, "it has no dimensions: one value, no more");
  }
  TRY(check_range(tensor));
  std::vector<std::int64_t> dimensions;
  if (!wanted.scalar) dimensions.assign(tensor.shape.begin(), tensor.shape.end());
  const ov_shape_t shape{.rank = static_cast<std::int64_t>(dimensions.size()),
                         .dims = dimensions.data()};
  // A view of the tensor's own bytes, which the library reads and does not write.
  auto* const data =
      tensor.bytes.empty() ? &nothing : const_cast<std::byte*>(tensor.bytes.data());  // NOLINT
  Ov<ov_tensor_t> given(ov_.tensor_free);
  TRY(check(ov_, ov_.tensor_create_from_host_ptr(wanted.type, shape, data, given.out())));
  const auto set =
      check(ov_, ov_.infer_request_set_input_tensor_by_index(&request, index, given.get()));
  if (set.ok()) return {};
  return fail(ErrorKind::invalid_argument, set.error().message());  // dimensions it does not take
}

Result<NamedTensors> OpenVinoGraph::compute(const NamedTensors& inputs,
                                            const std::stop_token& stop) {
  std::vector<std::string> names;
  for (const NamedTensor& input : inputs) names.push_back(name_of_input(input.name));
  TRY(check_names(names, inputs_));
  Ov<ov_infer_request_t> request(ov_.infer_request_free);
  TRY(check(ov_, ov_.compiled_model_create_infer_request(model_, request.out())));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto at = std::find(inputs_.begin(), inputs_.end(), names[i]) - inputs_.begin();
    TRY(give(*request.get(), static_cast<std::size_t>(at), inputs[i].tensor)
            .context("input \"" + inputs[i].name + "\""));
  }
  TRY(check(ov_, ov_.infer_request_start_async(request.get())));
  Result<> done;
  {
    // It has begun, so that a cancel cannot come before and be lost.
    const std::stop_callback end(stop, [&] { (void)ov_.infer_request_cancel(request.get()); });
    done = check(ov_, ov_.infer_request_wait(request.get()));
  }
  if (!done.ok() && stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  TRY(std::move(done));
  return take(*request.get());
}

Result<NamedTensors> OpenVinoGraph::take(const ov_infer_request_t& request) const {
  NamedTensors outputs;
  std::uint64_t bytes_left = most_outputs_.count;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Ov<ov_tensor_t> made(ov_.tensor_free);
    TRY(check(ov_, ov_.infer_request_get_output_tensor_by_index(&request, i, made.out())));
    auto tensor = take_one(*made.get(), bytes_left).context("output \"" + outputs_[i] + "\"");
    outputs.push_back({outputs_[i], TRY(std::move(tensor))});
  }
  return outputs;
}

Result<Tensor> OpenVinoGraph::take_one(const ov_tensor_t& made, std::uint64_t& bytes_left) const {
  ov_element_type_e element{};
  TRY(check(ov_, ov_.tensor_get_element_type(&made, &element)));
  const auto type = ours(element);
  if (!type) {
    return fail(ErrorKind::unsupported,
                "its elements are of " + words_of(element) +
                    "; F16, BF16, F32, F64, U8, I32 and I64 can be handed out");
  }
  std::size_t bytes = 0;
  TRY(check(ov_, ov_.tensor_get_byte_size(&made, &bytes)));
  TRY(count_output(bytes, most_outputs_, bytes_left));
  Tensor tensor{.type = *type, .shape = {}, .bytes = Buffer(bytes)};
  ov_shape_t shape{};
  const auto told = check(ov_, ov_.tensor_get_shape(&made, &shape));
  // To have no dimensions is an error to it.
  if (!told.ok() && bytes != bytes_of(*type)) return fail(told.error());
  for (std::int64_t i = 0; i < shape.rank; ++i) {
    tensor.shape.push_back(static_cast<std::uint32_t>(shape.dims[i]));
  }
  if (told.ok()) ov_.shape_free(&shape);
  if (tensor.shape.empty()) tensor.shape = {1};  // as wasi:nn writes a single value
  void* data = nullptr;
  if (bytes > 0) {
    TRY(check(ov_, ov_.tensor_data(&made, &data)));
    std::memcpy(tensor.bytes.data(), data, bytes);
  }
  return tensor;
}

}  // namespace quern::tensor
