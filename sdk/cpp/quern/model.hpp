// Models that the host lends and their answers, as quern:llm offers them: what quern/llm.hpp makes
// pleasant.
#pragma once

#include "quern/convert.hpp"

#include <string_view>

namespace quern {

// An answer on its way; destroying it cancels what is left.
class Generation {
 public:
  explicit Generation(quern_llm_inference_own_generation_t handle) : handle_(handle) {}

  // What has come since the last read; empty when nothing has.
  llm::Result<std::vector<llm::Event>> read() {
    return read_with(quern_llm_inference_method_generation_read);
  }
  // As read(), but waits until there is something.
  llm::Result<std::vector<llm::Event>> blocking_read() {
    return read_with(quern_llm_inference_method_generation_blocking_read);
  }
  // Ready when read() would return something. It must go before the generation.
  wasi::Pollable subscribe() const {
    return wasi::Pollable(quern_llm_inference_method_generation_subscribe(borrow()));
  }
  // Ends the answer early; the next events are what is already there, and the summary.
  void cancel() { quern_llm_inference_method_generation_cancel(borrow()); }

 private:
  using Read = bool(quern_llm_inference_borrow_generation_t, quern_llm_inference_list_event_t*,
                    quern_llm_inference_error_t*);

  quern_llm_inference_borrow_generation_t borrow() const {
    return quern_llm_inference_borrow_generation(handle_.get());
  }
  llm::Result<std::vector<llm::Event>> read_with(Read* read) {
    quern_llm_inference_list_event_t events;
    quern_llm_inference_error_t error;
    if (!read(borrow(), &events, &error)) return llm::failed(wasi::take_error(error));
    return wasi::take_events(events);
  }

  wasi::Own<quern_llm_inference_own_generation_t, quern_llm_inference_generation_drop_own> handle_;
};

class Model {
 public:
  explicit Model(quern_llm_inference_own_model_t handle) : handle_(handle) {}

  llm::ModelInfo info() const {
    quern_llm_inference_model_info_t info;
    quern_llm_inference_method_model_info(borrow(), &info);
    return wasi::take_info(info);
  }

  llm::Result<Generation> chat(const std::vector<llm::Message>& messages,
                               const llm::ChatOptions& options) const {
    wasi::MessageWords message_words(messages);
    wasi::OptionWords option_words(options);
    quern_llm_inference_own_generation_t generation;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_chat(borrow(), &message_words.words, &option_words.words,
                                               &generation, &error)) {
      return llm::failed(wasi::take_error(error));
    }
    return Generation(generation);
  }

  // Goes on with raw text, without a chat template.
  llm::Result<Generation> complete(std::string_view prompt, const llm::Sampling& sampling,
                                   const llm::Format& format) const {
    quern_string_t text = wasi::borrowed(prompt);
    wasi::SamplingWords sampling_words(sampling);
    auto format_value = wasi::format_words(format);
    quern_llm_inference_own_generation_t generation;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_complete(borrow(), &text, &sampling_words.words,
                                                   &format_value, &generation, &error)) {
      return llm::failed(wasi::take_error(error));
    }
    return Generation(generation);
  }

  // One vector of length 1 per text: the dot product of two is their cosine.
  llm::Result<llm::Embeddings> embed(const std::vector<std::string>& texts) const {
    auto words = wasi::text_words(texts);
    quern_list_string_t list{words.data(), words.size()};
    quern_llm_inference_embeddings_t embeddings;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_embed(borrow(), &list, &embeddings, &error)) {
      return llm::failed(wasi::take_error(error));
    }
    return wasi::take_embeddings(embeddings);
  }

  // Their bytes; a token may be a part of a character.
  llm::Result<std::string> detokenize(std::span<const std::uint32_t> tokens) const {
    quern_list_u32_t list{const_cast<std::uint32_t*>(tokens.data()), tokens.size()};
    quern_list_u8_t bytes;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_detokenize(borrow(), &list, &bytes, &error)) {
      return llm::failed(wasi::take_error(error));
    }
    std::string text = wasi::copied(bytes);
    quern_list_u8_free(&bytes);
    return text;
  }

 private:
  quern_llm_inference_borrow_model_t borrow() const {
    return quern_llm_inference_borrow_model(handle_.get());
  }

  wasi::Own<quern_llm_inference_own_model_t, quern_llm_inference_model_drop_own> handle_;
};

// A model by the name it was granted under; "default" is the first.
inline llm::Result<Model> open(std::string_view name = "default") {
  quern_string_t text = wasi::borrowed(name);
  quern_llm_inference_own_model_t model;
  quern_llm_inference_error_t error;
  if (!quern_llm_inference_static_model_open(&text, &model, &error)) {
    return llm::failed(wasi::take_error(error));
  }
  return Model(model);
}

// Those that this guest may use and that are here.
inline std::vector<llm::ModelInfo> granted_models() {
  quern_llm_inference_list_model_info_t infos;
  quern_llm_inference_granted_models(&infos);
  return wasi::take_infos(infos);
}

}  // namespace quern
