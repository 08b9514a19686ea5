// A model file in memory: llama.cpp's model and its vocabulary. Immutable, shared by threads.
#pragma once

#include "inference/control_words.hpp"
#include "inference/inference.hpp"
#include "inference/sampler.hpp"
#include "inference/token_texts.hpp"
#include "inference/vocabulary.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct llama_adapter_lora;
struct llama_context;
struct llama_model;
struct llama_vocab;

namespace quern::inference {

class Weights final : public Vocabulary {
 public:
  // A GGUF file, or a llama2.c checkpoint with its tokenizer.bin beside it. Checks the file first
  // (model_file.hpp, checkpoint.hpp): not_found, corrupt_data, unsupported, resource_exhausted.
  // Adapters are checked as adapter_file.hpp says.
  static Result<std::shared_ptr<const Weights>> load(const std::filesystem::path& path,
                                                     const std::vector<Adapter>& adapters);
  ~Weights() override;

  llama_model* model() const { return model_; }
  const llama_vocab* vocab() const { return vocab_; }

  // Once for every context that is made of these weights.
  Result<> apply_adapters(llama_context* context) const;

  std::uint32_t size() const override { return size_; }
  std::string bytes_of(Token token, Special special) const override;
  bool ends(Token token) const override;

  // Adds the tokens that the model wants at the begin of a text (BOS), where `add` says so.
  enum class Begin : std::uint8_t { bare, add };
  Result<std::vector<Token>> tokenize(std::string_view text, Begin begin, bool special) const;
  // Made when first asked for, which takes a tenth of a second.
  std::shared_ptr<const TokenTexts> texts() const;
  // Bytes of the longest token: a text of N bytes has at least N / longest_token() tokens.
  std::size_t longest_token() const { return longest_token_; }
  const ControlWords& control_words() const { return control_words_; }
  // The file's own value for `key`, or empty.
  std::string metadata(const char* key) const;
  // The sampling that the file recommends, over Quern's defaults.
  SamplerOptions sampling_defaults() const;

 private:
  explicit Weights(llama_model* model);
  static Result<std::shared_ptr<Weights>> load_gguf(const std::filesystem::path& path);
  Result<> add(const Adapter& adapter);

  llama_model* model_;
  std::vector<llama_adapter_lora*> adapters_;  // the model's
  std::vector<float> scales_;                  // of each
  const llama_vocab* vocab_;
  std::uint32_t size_;
  mutable std::once_flag texts_once_;
  mutable std::shared_ptr<const TokenTexts> texts_;
  std::size_t longest_token_;
  ControlWords control_words_;
};

}  // namespace quern::inference
