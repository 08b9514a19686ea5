// Texts to unit vectors: a second context on the same weights, with pooling. One thread at a time.
#pragma once

#include "inference/weights.hpp"

#include <memory>
#include <string>
#include <vector>

struct llama_context;

namespace quern::inference {

class Embedder {
 public:
  // unsupported: the model pools in a way that gives no vector (a reranker).
  static Result<std::unique_ptr<Embedder>> create(std::shared_ptr<const Weights> weights,
                                                  std::uint32_t context_tokens,
                                                  std::uint32_t threads);
  ~Embedder();

  // As many texts per step as fit. resource_exhausted: a text is longer than the context.
  Result<Embeddings> embed(const std::vector<std::string>& texts, Deadline deadline);

 private:
  Embedder(std::shared_ptr<const Weights> weights, llama_context* context);
  Result<> run(std::span<const std::vector<Token>> texts, Embeddings& into);

  std::shared_ptr<const Weights> weights_;
  llama_context* context_;
};

}  // namespace quern::inference
