// A Model in this process: weights, a preparation thread (templates and tokens), the model thread
// (the context), and an embedding thread once it is asked for.
#pragma once

#include "inference/chat_format.hpp"
#include "inference/embedder.hpp"
#include "inference/llama_decoder.hpp"
#include "inference/model_thread.hpp"
#include "inference/voice.hpp"
#include "inference/worker_thread.hpp"

#include <atomic>
#include <memory>
#include <mutex>

namespace quern::inference {

class LocalModel final : public Model {
 public:
  // Reads the weights and makes the context; takes from milliseconds to seconds.
  static Result<std::shared_ptr<Model>> load(const ModelSource& source,
                                             const EngineOptions& options);

  const ModelInfo& info() const override { return info_; }
  Result<std::unique_ptr<Generation>> chat(ChatRequest request, Caller caller) override;
  Result<std::unique_ptr<Generation>> complete(CompletionRequest request, Caller caller) override;
  void embed(std::vector<std::string> texts, Caller caller,
             std::function<void(Result<Embeddings>)> done) override;
  Result<std::vector<Token>> tokenize(std::string_view text, bool special) const override;
  Result<std::string> detokenize(const std::vector<Token>& tokens) const override;
  Result<std::uint32_t> count_tokens(const ChatRequest& request) const override;
  ModelLoad load() const override;

 private:
  using Prompt = std::function<Result<RenderedChat>()>;

  LocalModel(ModelInfo info, EngineOptions options, std::shared_ptr<const Weights> weights,
             std::unique_ptr<ChatFormat> format, std::unique_ptr<LlamaDecoder> decoder);

  Result<std::unique_ptr<Generation>> admit(Caller caller, Sampling sampling, Prompt prompt);
  void prepare(std::unique_ptr<Job> job, const Sampling& sampling, const Prompt& prompt);
  Result<> fill(Job& job, const Sampling& sampling, const Prompt& prompt);
  void give_up(const Job& job, Error error);
  Result<RenderedChat> render(const ChatRequest& request) const;
  Result<std::vector<Token>> tokens_of(const std::string& prompt) const;
  Result<Embeddings> embed_now(const std::vector<std::string>& texts, Deadline deadline);

  const ModelInfo info_;
  const EngineOptions options_;
  const std::shared_ptr<const Weights> weights_;
  const std::unique_ptr<ChatFormat> format_;  // null: the file has no chat template
  const SamplerOptions defaults_;
  const std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
  std::unique_ptr<ModelThread> thread_;  // null: a model that only embeds
  std::unique_ptr<Embedder> embedder_;   // belongs to embedding_
  std::atomic<std::uint32_t> texts_waiting_ = 0;
  // Last: they end first, and their tasks use what stands above.
  WorkerThread embedding_;
  WorkerThread preparation_;
};

}  // namespace quern::inference
