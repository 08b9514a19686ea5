// Texts to unit vectors: a second context on the same weights, with pooling. One thread at a time.
#pragma once

#include "inference/embedding_queue.hpp"
#include "inference/step_threads.hpp"
#include "inference/weights.hpp"

#include <memory>
#include <string>
#include <vector>

struct llama_context;

namespace quern::inference {

class Embedder final : public TextEmbedder {
 public:
  // unsupported: the model pools in a way that gives no vector (a reranker).
  static Result<std::unique_ptr<TextEmbedder>> create(std::shared_ptr<const Weights> weights,
                                                      std::uint32_t context_tokens,
                                                      std::uint32_t threads);
  ~Embedder() override;
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  // resource_exhausted: a text is longer than the context.
  Result<> embed_some(std::span<const std::string> texts, Embeddings& into) override;

 private:
  Embedder(std::shared_ptr<const Weights> weights, llama_context* context, std::uint32_t threads);
  Result<std::vector<Token>> tokens_of(const std::string& text) const;
  Result<> run(std::span<const std::vector<Token>> texts, Embeddings& into);

  // Made anew for each step: threads that wait for the next one would spin beside the model's.
  StepThreads threads_;
  std::shared_ptr<const Weights> weights_;
  llama_context* context_;
};

}  // namespace quern::inference
