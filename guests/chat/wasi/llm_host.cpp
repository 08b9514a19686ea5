#include "llm_host.hpp"

#include "llm_words.hpp"
#include "own.hpp"

#include <utility>

namespace quern::chat::wasi {
namespace {

using GenerationHandle =
    Own<quern_llm_inference_own_generation_t, quern_llm_inference_generation_drop_own>;
using ModelHandle = Own<quern_llm_inference_own_model_t, quern_llm_inference_model_drop_own>;

tl::unexpected<llm::Error> failed(quern_llm_types_error_t error) {
  return tl::unexpected(take_error(error));
}

class HostGeneration final : public llm::Generation {
 public:
  explicit HostGeneration(quern_llm_inference_own_generation_t handle) : handle_(handle) {}

  llm::Result<std::vector<llm::Event>> read() override {
    return read_with(quern_llm_inference_method_generation_read);
  }
  llm::Result<std::vector<llm::Event>> blocking_read() override {
    return read_with(quern_llm_inference_method_generation_blocking_read);
  }
  Pollable subscribe() const {
    return Pollable(quern_llm_inference_method_generation_subscribe(
        quern_llm_inference_borrow_generation(handle_.get())));
  }

 private:
  using Read = bool(quern_llm_inference_borrow_generation_t, quern_llm_inference_list_event_t*,
                    quern_llm_inference_error_t*);

  llm::Result<std::vector<llm::Event>> read_with(Read* read) {
    quern_llm_inference_list_event_t events;
    quern_llm_inference_error_t error;
    if (!read(quern_llm_inference_borrow_generation(handle_.get()), &events, &error)) {
      return failed(error);
    }
    return take_events(events);
  }

  GenerationHandle handle_;
};

class HostModel final : public llm::Model {
 public:
  explicit HostModel(quern_llm_inference_own_model_t handle) : handle_(handle) {}

  llm::ModelInfo info() override {
    quern_llm_inference_model_info_t info;
    quern_llm_inference_method_model_info(borrow(), &info);
    return take_info(info);
  }

  llm::Result<std::unique_ptr<llm::Generation>> chat(const std::vector<llm::Message>& messages,
                                                     const llm::ChatOptions& options) override {
    MessageWords message_words(messages);
    OptionWords option_words(options);
    quern_llm_inference_own_generation_t generation;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_chat(borrow(), &message_words.words, &option_words.words,
                                               &generation, &error)) {
      return failed(error);
    }
    return std::make_unique<HostGeneration>(generation);
  }

  llm::Result<std::unique_ptr<llm::Generation>> complete(std::string_view prompt,
                                                         const llm::Sampling& sampling,
                                                         const llm::Format& format) override {
    chat_string_t text = borrowed(prompt);
    SamplingWords sampling_words(sampling);
    auto format_value = format_words(format);
    quern_llm_inference_own_generation_t generation;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_complete(borrow(), &text, &sampling_words.words,
                                                   &format_value, &generation, &error)) {
      return failed(error);
    }
    return std::make_unique<HostGeneration>(generation);
  }

  llm::Result<llm::Embeddings> embed(const std::vector<std::string>& texts) override {
    auto words = text_words(texts);
    chat_list_string_t list{words.data(), words.size()};
    quern_llm_inference_embeddings_t embeddings;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_embed(borrow(), &list, &embeddings, &error)) {
      return failed(error);
    }
    return take_embeddings(embeddings);
  }

  llm::Result<std::string> detokenize(std::span<const std::uint32_t> tokens) override {
    chat_list_u32_t list{const_cast<std::uint32_t*>(tokens.data()), tokens.size()};
    chat_list_u8_t bytes;
    quern_llm_inference_error_t error;
    if (!quern_llm_inference_method_model_detokenize(borrow(), &list, &bytes, &error)) {
      return failed(error);
    }
    std::string text(reinterpret_cast<const char*>(bytes.ptr), bytes.len);
    chat_list_u8_free(&bytes);
    return text;
  }

 private:
  quern_llm_inference_borrow_model_t borrow() const {
    return quern_llm_inference_borrow_model(handle_.get());
  }

  ModelHandle handle_;
};

}  // namespace

std::vector<llm::ModelInfo> HostModels::granted() {
  quern_llm_inference_list_model_info_t infos;
  quern_llm_inference_granted_models(&infos);
  return take_infos(infos);
}

llm::Result<std::unique_ptr<llm::Model>> HostModels::open(std::string_view name) {
  chat_string_t text = borrowed(name);
  quern_llm_inference_own_model_t model;
  quern_llm_inference_error_t error;
  if (!quern_llm_inference_static_model_open(&text, &model, &error)) return failed(error);
  return std::make_unique<HostModel>(model);
}

std::vector<std::size_t> HostModels::wait_any(std::span<llm::Generation* const> generations) {
  std::vector<Pollable> pollables;
  std::vector<wasi_io_poll_borrow_pollable_t> borrows;
  for (const llm::Generation* generation : generations) {
    // Every generation in this program is one of ours.
    pollables.push_back(static_cast<const HostGeneration*>(generation)->subscribe());
    borrows.push_back(wasi_io_poll_borrow_pollable(pollables.back().get()));
  }
  wasi_io_poll_list_borrow_pollable_t list{borrows.data(), borrows.size()};
  chat_list_u32_t ready;
  wasi_io_poll_poll(&list, &ready);
  std::vector<std::size_t> result(ready.ptr, ready.ptr + ready.len);
  chat_list_u32_free(&ready);
  return result;
}

}  // namespace quern::chat::wasi
