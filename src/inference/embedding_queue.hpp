// The texts that many callers want embedded: one batch at a time, callers in turn. Nobody's texts
// hold up another's longer than one batch takes, and a caller that is gone is found before the
// next.
#pragma once

#include "inference/inference.hpp"
#include "inference/worker_thread.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quern::inference {

// Makes vectors. Embedder is the real one.
class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;
  // Embeds one batch of texts, at least the first, and adds what it made.
  virtual Result<> embed_some(std::span<const std::string> texts, Embeddings& into) = 0;
};

class EmbeddingQueue {
 public:
  using Make = std::function<Result<std::unique_ptr<TextEmbedder>>()>;
  using Done = std::function<void(Result<Embeddings>)>;

  // `make` is called on the queue's thread when the first text comes, and again after it failed.
  explicit EmbeddingQueue(Make make) : make_(std::move(make)) {}

  // As Model::embed.
  std::unique_ptr<Embedding> add(std::vector<std::string> texts, Caller caller, Done done);

  std::uint32_t texts_waiting() const { return texts_waiting_; }
  std::uint64_t tokens_total() const { return tokens_total_; }

 private:
  struct Work;
  class Ticket;

  // A batch of it; true when it is over and answered.
  bool go_on(Work& work, const std::stop_token& stop);
  Result<> embed_some(Work& work, const std::stop_token& stop);
  void end(Work& work, Result<> outcome);

  const Make make_;
  std::unique_ptr<TextEmbedder> embedder_;  // the worker's; null until the first text
  std::atomic<std::uint32_t> texts_waiting_ = 0;
  std::atomic<std::uint64_t> tokens_total_ = 0;
  WorkerThread worker_{"quern-embed"};  // last: it ends first
};

}  // namespace quern::inference
