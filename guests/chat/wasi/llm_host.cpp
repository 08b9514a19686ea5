#include "llm_host.hpp"

#include "quern/model.hpp"

#include <utility>

namespace quern::chat::wasi {
namespace {

class HostGeneration final : public llm::Generation {
 public:
  explicit HostGeneration(quern::Generation generation) : generation_(std::move(generation)) {}

  llm::Result<std::vector<llm::Event>> read() override { return generation_.read(); }
  llm::Result<std::vector<llm::Event>> blocking_read() override {
    return generation_.blocking_read();
  }
  quern::wasi::Pollable subscribe() const { return generation_.subscribe(); }

 private:
  quern::Generation generation_;
};

llm::Result<std::unique_ptr<llm::Generation>> begun(llm::Result<quern::Generation> generation) {
  if (!generation) return llm::failed(std::move(generation).error());
  return std::make_unique<HostGeneration>(*std::move(generation));
}

class HostModel final : public llm::Model {
 public:
  explicit HostModel(quern::Model model) : model_(std::move(model)) {}

  llm::ModelInfo info() override { return model_.info(); }
  llm::Result<std::unique_ptr<llm::Generation>> chat(const std::vector<llm::Message>& messages,
                                                     const llm::ChatOptions& options) override {
    return begun(model_.chat(messages, options));
  }
  llm::Result<std::unique_ptr<llm::Generation>> complete(std::string_view prompt,
                                                         const llm::Sampling& sampling,
                                                         const llm::Format& format) override {
    return begun(model_.complete(prompt, sampling, format));
  }
  llm::Result<llm::Embeddings> embed(const std::vector<std::string>& texts) override {
    return model_.embed(texts);
  }
  llm::Result<std::string> detokenize(std::span<const std::uint32_t> tokens) override {
    return model_.detokenize(tokens);
  }

 private:
  quern::Model model_;
};

}  // namespace

std::vector<llm::ModelInfo> HostModels::granted() { return granted_models(); }

llm::Result<std::unique_ptr<llm::Model>> HostModels::open(std::string_view name) {
  llm::Result<quern::Model> model = quern::open(name);
  if (!model) return llm::failed(std::move(model).error());
  return std::make_unique<HostModel>(*std::move(model));
}

std::vector<std::size_t> HostModels::wait_any(std::span<llm::Generation* const> generations) {
  std::vector<quern::wasi::Pollable> pollables;
  std::vector<wasi_io_poll_borrow_pollable_t> borrows;
  for (const llm::Generation* generation : generations) {
    // Every generation in this program is one of ours.
    pollables.push_back(static_cast<const HostGeneration*>(generation)->subscribe());
    borrows.push_back(wasi_io_poll_borrow_pollable(pollables.back().get()));
  }
  wasi_io_poll_list_borrow_pollable_t list{borrows.data(), borrows.size()};
  quern_list_u32_t ready;
  wasi_io_poll_poll(&list, &ready);
  std::vector<std::size_t> result(ready.ptr, ready.ptr + ready.len);
  quern_list_u32_free(&ready);
  return result;
}

}  // namespace quern::chat::wasi
