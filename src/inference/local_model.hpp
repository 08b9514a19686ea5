// A Model in this process: weights, a preparation thread (templates and tokens), the model thread
// (the context), and an embedding thread once it is asked for.
#pragma once

#include "inference/chat_format.hpp"
#include "inference/embedding_queue.hpp"
#include "inference/llama_decoder.hpp"
#include "inference/model_thread.hpp"
#include "inference/prompt_tokens.hpp"
#include "inference/voice.hpp"
#include "inference/worker_thread.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace quern::inference {

class LocalModel final : public Model {
 public:
  // Reads the weights and makes the context; takes from milliseconds to seconds.
  static Result<std::shared_ptr<LocalModel>> load(const ModelSource& source,
                                                  const EngineOptions& options);

  const ModelInfo& info() const override { return info_; }
  Result<std::unique_ptr<Generation>> chat(ChatRequest request, Caller caller) override;
  Result<std::unique_ptr<Generation>> complete(CompletionRequest request, Caller caller) override;
  std::unique_ptr<Embedding> embed(std::vector<std::string> texts, Caller caller,
                                   std::function<void(Result<Embeddings>)> done) override;
  Result<std::vector<Token>> tokenize(std::string_view text, bool special) const override;
  Result<std::string> detokenize(const std::vector<Token>& tokens) const override;
  Result<std::uint32_t> count_tokens(const ChatRequest& request) const override;
  ModelLoad load() const override;

  // What the model's thread is doing, for who watches it.
  std::shared_ptr<const Counters> counters() const { return counters_; }

 private:
  // What is asked for, on the way to the preparation thread.
  struct Wanted {
    Sampling sampling;
    std::size_t least_bytes = 0;  // of the rendered prompt
    std::function<Result<RenderedChat>()> render;
  };

  LocalModel(ModelInfo info, EngineOptions options, std::shared_ptr<const Weights> weights,
             std::unique_ptr<ChatFormat> format, std::unique_ptr<LlamaDecoder> decoder);

  Result<std::unique_ptr<Generation>> admit(Caller caller, Wanted wanted);
  void prepare(std::unique_ptr<Job> job, const Wanted& wanted, const std::stop_token& stop);
  Result<> fill(Job& job, const Wanted& wanted, const KeepOn& keep_on);
  Result<> read_prompt(Job& job, const Prompt& prompt, const KeepOn& keep_on) const;
  void give_up(const Job& job, Error error);
  Result<RenderedChat> render(const ChatRequest& request) const;
  // The least tokens that a prompt of so many bytes has, where those are more than the context.
  std::optional<ContextFull> hopeless(std::size_t bytes) const;

  const ModelInfo info_;
  const EngineOptions options_;
  const std::shared_ptr<const Weights> weights_;
  const std::unique_ptr<ChatFormat> format_;  // null: the file has no chat template
  const SamplerOptions defaults_;
  const std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
  std::unique_ptr<ModelThread> thread_;  // null: a model that only embeds
  // Last: they end first, and their tasks use what stands above.
  EmbeddingQueue embedding_;
  WorkerThread preparation_{"quern-prepare"};
};

}  // namespace quern::inference
