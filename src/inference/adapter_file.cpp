// LoRA (arXiv:2106.09685) as GGUF, as llama.cpp's convert_lora_to_gguf.py writes it: for a matrix W
// of the model the tensors W.lora_a and W.lora_b, whose product is added to it.
#include "inference/adapter_file.hpp"

#include "inference/gguf_file.hpp"

#include <ggml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

namespace quern::inference {
namespace {

constexpr std::string_view kA = ".lora_a";
constexpr std::string_view kB = ".lora_b";

struct Pair {
  const GgufTensor* a = nullptr;
  const GgufTensor* b = nullptr;
};

Failure no_adapter(const std::string& why) {
  return fail(ErrorKind::invalid_argument, "it is no LoRA adapter: " + why);
}

Result<> check_kind(const Metadata& metadata) {
  for (const auto& [key, wanted] :
       {std::pair("general.type", "adapter"), std::pair("adapter.type", "lora")}) {
    const auto* const text = find_text(metadata, key);
    if (text == nullptr || *text != wanted) {
      return no_adapter(std::string(key) + " is not \"" + wanted + "\"");
    }
  }
  if (find_text(metadata, "general.architecture") == nullptr) {
    return no_adapter("general.architecture is missing");
  }
  const auto alpha = metadata.find("adapter.lora.alpha");
  const auto* const number =
      alpha == metadata.end() ? nullptr : std::get_if<double>(&alpha->second);
  if (number != nullptr && !std::isfinite(*number)) {
    return fail(ErrorKind::corrupt_data, "adapter.lora.alpha is not a finite number");
  }
  if (metadata.contains("adapter.alora.invocation_tokens")) {
    return fail(ErrorKind::unsupported, "it is invoked by tokens, which is not done here");
  }
  return {};
}

std::uint64_t length(const GgufTensor& tensor, std::size_t dimension) {
  return dimension < tensor.shape.size() ? tensor.shape[dimension] : 1;
}

Result<> check_tensor(const GgufTensor& tensor) {
  constexpr std::array kTypes = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0};
  if (std::ranges::find(kTypes, static_cast<ggml_type>(tensor.type)) == kTypes.end()) {
    return fail(ErrorKind::unsupported, "'" + tensor.name + "' is none of F32, F16, BF16 and Q8_0");
  }
  if (length(tensor, 2) != 1 || length(tensor, 3) != 1 ||
      tensor.name.find("exps.") != std::string::npos) {
    return fail(ErrorKind::unsupported, "'" + tensor.name + "' is for experts");
  }
  // Its halves lie the other way round. Where it is the output too, as in most small models, ggml
  // multiplies them so, and ends the process.
  if (tensor.name.starts_with("token_embd.")) {
    return fail(ErrorKind::unsupported, "'" + tensor.name + "' is for the embedding of tokens");
  }
  return {};
}

Result<> add(const GgufTensor& tensor, std::map<std::string, Pair>& pairs) {
  const std::string& name = tensor.name;
  TRY(check_tensor(tensor));
  if (name.ends_with(kA)) {
    pairs[name.substr(0, name.size() - kA.size())].a = &tensor;
  } else if (name.ends_with(kB)) {
    pairs[name.substr(0, name.size() - kB.size())].b = &tensor;
  } else {
    return fail(ErrorKind::unsupported, "'" + name + "' is neither half of a pair");
  }
  return {};
}

// That both fit the model is llama.cpp's to say.
Result<> check_pair(const std::string& name, const Pair& pair) {
  if (pair.a == nullptr || pair.b == nullptr) {
    return fail(ErrorKind::corrupt_data, "'" + name + "' has only " +
                                             std::string(pair.a == nullptr ? kB : kA).substr(1) +
                                             " of its two halves");
  }
  if (length(*pair.a, 1) == length(*pair.b, 0)) return {};
  return fail(ErrorKind::corrupt_data, "the halves of '" + name + "' do not fit each other");
}

Result<> check(const GgufFile& file, std::string_view architecture) {
  const std::string& made_for = *find_text(file.metadata, "general.architecture");
  if (made_for != architecture) {
    return fail(ErrorKind::invalid_argument, "it is for models of the architecture " + made_for +
                                                 ", and this is one of " +
                                                 std::string(architecture));
  }
  std::map<std::string, Pair> pairs;
  for (const GgufTensor& tensor : file.tensors) TRY(add(tensor, pairs));
  for (const auto& [name, pair] : pairs) TRY(check_pair(name, pair));
  return {};
}

}  // namespace

Result<> check_adapter_file(const std::filesystem::path& path, std::string_view architecture) {
  const GgufFile file = TRY(read_gguf(path, "adapter", check_kind));
  return check(file, architecture).context(path.string() + " is not a usable adapter");
}

}  // namespace quern::inference
