#include "tensor/onnx_graph.hpp"

#include "tensor/named_inputs.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>

namespace quern::tensor {
namespace {

struct Pair {
  ElementType ours;
  ONNXTensorElementDataType theirs;
};
constexpr std::array kTypes = {
    Pair{ElementType::f16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    Pair{ElementType::f32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    Pair{ElementType::f64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    Pair{ElementType::bf16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    Pair{ElementType::u8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    Pair{ElementType::i32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    Pair{ElementType::i64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
};

ONNXTensorElementDataType theirs(ElementType type) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Pair& p) { return p.ours == type; });
  return found == kTypes.end() ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED : found->theirs;
}

std::optional<ElementType> ours(ONNXTensorElementDataType type) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Pair& p) { return p.theirs == type; });
  if (found == kTypes.end()) return std::nullopt;
  return found->ours;
}

// Owns the values that a computation reads and writes.
class Values {
 public:
  explicit Values(const OrtApi& api, std::size_t count) : api_(api), values_(count) {}
  ~Values() {
    for (OrtValue* value : values_) {
      if (value != nullptr) api_.ReleaseValue(value);
    }
  }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  OrtValue*& operator[](std::size_t i) { return values_[i]; }
  std::vector<OrtValue*>& all() { return values_; }

 private:
  const OrtApi& api_;
  std::vector<OrtValue*> values_;
};

// A view of the tensor's own bytes, which the library reads and does not write.
Result<> make_value(const OrtApi& api, const OrtMemoryInfo& memory, const Tensor& tensor,
                    bool scalar, OrtValue*& out) {
  static std::byte nothing{};  // for a tensor without elements: null is refused
  std::vector<std::int64_t> shape;
  if (!scalar) shape.assign(tensor.shape.begin(), tensor.shape.end());
  auto* const data =
      tensor.bytes.empty() ? &nothing : const_cast<std::byte*>(tensor.bytes.data());  // NOLINT
  return check(api,
               api.CreateTensorWithDataAsOrtValue(&memory, data, tensor.bytes.size(), shape.data(),
                                                  shape.size(), theirs(tensor.type), &out));
}

std::vector<const char*> pointers(const std::vector<std::string>& names) {
  std::vector<const char*> texts;
  texts.reserve(names.size());
  for (const std::string& name : names) texts.push_back(name.c_str());
  return texts;
}

}  // namespace

Result<std::shared_ptr<Graph>> OnnxGraph::create(const OrtApi& api, OrtSession* session,
                                                 Bytes most_outputs) {
  std::shared_ptr<OnnxGraph> graph(new OnnxGraph(api, session, most_outputs));
  TRY(graph->read_names());
  return graph;
}

OnnxGraph::~OnnxGraph() { api_.ReleaseSession(session_); }

Result<> OnnxGraph::read_names() {
  OrtAllocator* allocator = nullptr;  // the library's, for ever
  TRY(check(api_, api_.GetAllocatorWithDefaultOptions(&allocator)));
  const auto take_name = [&](char* text) {
    std::string name(text);
    if (OrtStatus* const status = api_.AllocatorFree(allocator, text)) api_.ReleaseStatus(status);
    return name;
  };
  std::size_t count = 0;
  char* text = nullptr;
  TRY(check(api_, api_.SessionGetInputCount(session_, &count)));
  for (std::size_t i = 0; i < count; ++i) {
    TRY(check(api_, api_.SessionGetInputName(session_, i, allocator, &text)));
    inputs_.push_back(take_name(text));
    Ort<OrtTypeInfo> info(api_.ReleaseTypeInfo);
    TRY(check(api_, api_.SessionGetInputTypeInfo(session_, i, info.out())));
    const OrtTensorTypeAndShapeInfo* shape = nullptr;  // part of `info`; null for what is no tensor
    TRY(check(api_, api_.CastTypeInfoToTensorInfo(info.get(), &shape)));
    std::size_t rank = 1;
    if (shape != nullptr) TRY(check(api_, api_.GetDimensionsCount(shape, &rank)));
    if (rank == 0) scalars_.push_back(inputs_.back());
  }
  TRY(check(api_, api_.SessionGetOutputCount(session_, &count)));
  for (std::size_t i = 0; i < count; ++i) {
    TRY(check(api_, api_.SessionGetOutputName(session_, i, allocator, &text)));
    outputs_.push_back(take_name(text));
  }
  return {};
}

bool OnnxGraph::is_scalar(const std::string& input) const { return holds(scalars_, input); }

Result<NamedTensors> OnnxGraph::compute(const NamedTensors& inputs, const std::stop_token& stop) {
  std::vector<std::string> names;
  for (const NamedTensor& input : inputs) names.push_back(input.name);
  TRY(check_names(names, inputs_));
  Ort<OrtMemoryInfo> memory(api_.ReleaseMemoryInfo);
  TRY(check(api_, api_.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, memory.out())));
  Values given(api_, inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& tensor = inputs[i].tensor;
    TRY(check(tensor).context("input \"" + names[i] + "\""));
    TRY(make_value(api_, *memory.get(), tensor, is_scalar(names[i]), given[i]));
  }
  const std::vector<const char*> filled = pointers(names);
  Ort<OrtRunOptions> run(api_.ReleaseRunOptions);
  TRY(check(api_, api_.CreateRunOptions(run.out())));
  // What a computation needed is given back to the system after it.
  TRY(check(api_,
            api_.AddRunConfigEntry(run.get(), "memory.enable_memory_arena_shrinkage", "cpu:0")));
  const std::vector<const char*> wanted = pointers(outputs_);
  Values made(api_, wanted.size());
  Result<> done;
  {
    const std::stop_callback end(
        stop, [&] { (void)check(api_, api_.RunOptionsSetTerminate(run.get())); });
    done = check(api_, api_.Run(session_, run.get(), filled.data(), given.all().data(),
                                filled.size(), wanted.data(), wanted.size(), made.all().data()));
  }
  if (!done.ok() && stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
  TRY(std::move(done));
  return take(made.all());
}

Result<NamedTensors> OnnxGraph::take(const std::vector<OrtValue*>& values) const {
  NamedTensors outputs;
  std::uint64_t bytes_left = most_outputs_.count;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == nullptr) {
      return fail(ErrorKind::unsupported,
                  "the output \"" + outputs_[i] + "\" is optional and absent");
    }
    auto tensor = take_one(*values[i], bytes_left).context("output \"" + outputs_[i] + "\"");
    outputs.push_back({outputs_[i], TRY(std::move(tensor))});
  }
  return outputs;
}

Result<Tensor> OnnxGraph::take_one(const OrtValue& value, std::uint64_t& bytes_left) const {
  ONNXType form = ONNX_TYPE_UNKNOWN;
  TRY(check(api_, api_.GetValueType(&value, &form)));
  if (form != ONNX_TYPE_TENSOR) return fail(ErrorKind::unsupported, "it is no tensor");
  Ort<OrtTensorTypeAndShapeInfo> info(api_.ReleaseTensorTypeAndShapeInfo);
  TRY(check(api_, api_.GetTensorTypeAndShape(&value, info.out())));
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  TRY(check(api_, api_.GetTensorElementType(info.get(), &element)));
  const auto type = ours(element);
  if (!type) {
    return fail(ErrorKind::unsupported,
                "its elements are of ONNX's type " + std::to_string(static_cast<int>(element)) +
                    "; F16, BF16, F32, F64, U8, I32 and I64 can be handed out");
  }
  std::size_t rank = 0;
  std::size_t elements = 0;
  TRY(check(api_, api_.GetDimensionsCount(info.get(), &rank)));
  std::vector<std::int64_t> shape(rank);
  TRY(check(api_, api_.GetDimensions(info.get(), shape.data(), rank)));
  TRY(check(api_, api_.GetTensorShapeElementCount(info.get(), &elements)));
  // A product of the shape that the library has allocated: it cannot overflow.
  const std::uint64_t bytes = std::uint64_t{elements} * bytes_of(*type);
  TRY(count_output(bytes, most_outputs_, bytes_left));
  Tensor tensor{.type = *type, .shape = {}, .bytes = Buffer(static_cast<std::size_t>(bytes))};
  for (const std::int64_t size : shape) tensor.shape.push_back(static_cast<std::uint32_t>(size));
  if (shape.empty()) tensor.shape = {1};  // as wasi:nn writes a single value
  void* data = nullptr;
  TRY(check(api_, api_.GetTensorMutableData(const_cast<OrtValue*>(&value), &data)));  // NOLINT
  if (bytes > 0) std::memcpy(tensor.bytes.data(), data, tensor.bytes.size());
  return tensor;
}

}  // namespace quern::tensor
