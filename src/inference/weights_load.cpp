// From files to Weights: a GGUF or a checkpoint, and its adapters.
#include "inference/adapter_file.hpp"
#include "inference/backends.hpp"
#include "inference/checkpoint_gguf.hpp"
#include "inference/model_file.hpp"
#include "inference/weights.hpp"

#include <llama.h>

namespace quern::inference {

Result<std::shared_ptr<const Weights>> Weights::load(const std::filesystem::path& path,
                                                     const std::vector<Adapter>& adapters) {
  const auto checkpoint = TRY(read_checkpoint(path));
  std::shared_ptr<Weights> weights;
  if (checkpoint) {
    const UniqueFd gguf = TRY(checkpoint_as_gguf(path, *checkpoint));
    weights = TRY(load_gguf("/proc/self/fd/" + std::to_string(gguf.get())).context(path.string()));
  } else {
    weights = TRY(load_gguf(path));
  }
  for (const Adapter& adapter : adapters) TRY(weights->add(adapter));
  return std::shared_ptr<const Weights>(std::move(weights));
}

Result<> Weights::add(const Adapter& adapter) {
  TRY(check_adapter_file(adapter.path, metadata("general.architecture")));
  (void)take_last_complaint();
  llama_adapter_lora* made = nullptr;
  try {
    made = llama_adapter_lora_init(model_, adapter.path.c_str());
  } catch (const std::exception& error) {
    return fail(ErrorKind::resource_exhausted,
                "no memory for the adapter " + adapter.path.string() + ": " + error.what());
  }
  if (made == nullptr) {
    return fail(ErrorKind::invalid_argument,
                "the adapter " + adapter.path.string() +
                    " does not fit this model: " + take_last_complaint());
  }
  adapters_.push_back(made);
  scales_.push_back(adapter.scale);
  return {};
}

Result<> Weights::apply_adapters(llama_context* context) const {
  if (adapters_.empty()) return {};
  std::vector<llama_adapter_lora*> adapters = adapters_;
  std::vector<float> scales = scales_;
  try {
    if (llama_set_adapters_lora(context, adapters.data(), adapters.size(), scales.data()) == 0) {
      return {};
    }
  } catch (const std::exception& error) {
    return fail(ErrorKind::resource_exhausted,
                std::string("no memory for adapters: ") + error.what());
  }
  return fail(ErrorKind::internal, "the adapters were refused: " + take_last_complaint());
}

Result<std::shared_ptr<Weights>> Weights::load_gguf(const std::filesystem::path& path) {
  TRY(check_model_file(path));
  (void)take_last_complaint();
  llama_model* model = nullptr;
  try {
    model = llama_model_load_from_file(path.c_str(), llama_model_default_params());
  } catch (const std::exception& error) {
    return fail(ErrorKind::corrupt_data, path.string() + ": " + error.what());
  }
  if (model == nullptr) {
    return fail(ErrorKind::corrupt_data,
                path.string() + " cannot be loaded: " + take_last_complaint());
  }
  std::shared_ptr<Weights> weights(new Weights(model));
  if (weights->size() == 0 || !llama_model_has_decoder(model)) {
    return fail(ErrorKind::unsupported, path.string() + " is not a text generation model");
  }
  return weights;
}

}  // namespace quern::inference
