// The Decoder on llama.cpp: one context with a unified KV cache, and its threads.
#pragma once

#include "inference/decoder.hpp"
#include "inference/step_threads.hpp"
#include "inference/weights.hpp"

#include <memory>

struct llama_context;

namespace quern::inference {

struct ContextOptions {
  std::uint32_t cells = 0;
  std::uint32_t max_running = 1;
  std::uint32_t threads = 1;
};

class LlamaDecoder final : public Decoder {
 public:
  // resource_exhausted: not enough memory for the cells. unsupported: a model without a memory,
  // which can embed but not continue.
  static Result<std::unique_ptr<LlamaDecoder>> create(std::shared_ptr<const Weights> weights,
                                                      const ContextOptions& options);
  ~LlamaDecoder() override;

  const Shape& shape() const override { return shape_; }
  Decoded decode(std::span<const BatchToken> batch) override;
  std::span<const float> logits(std::size_t index) override;
  void share(Sequence from, Sequence to, Span span) override;
  void drop(Sequence sequence, Span span) override;
  std::uint32_t whole_from(Sequence sequence) const override;
  Buffer save(Sequence sequence) override;
  bool restore(Sequence sequence, ByteView cells) override;

 private:
  LlamaDecoder(std::shared_ptr<const Weights> weights, llama_context* context,
               std::uint32_t threads);

  StepThreads threads_;
  std::shared_ptr<const Weights> weights_;
  llama_context* context_;
  Shape shape_;
  // The batch in llama.cpp's form; kept to save the allocations.
  struct Arrays;
  std::unique_ptr<Arrays> arrays_;
};

}  // namespace quern::inference
