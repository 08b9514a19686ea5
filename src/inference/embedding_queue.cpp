#include "inference/embedding_queue.hpp"

#include <exception>
#include <utility>

namespace quern::inference {
namespace {

constexpr std::size_t kMostTextsWaiting = 4096;

}  // namespace

struct EmbeddingQueue::Work {
  std::vector<std::string> texts;
  Deadline deadline = Deadline::never();
  Done done;
  Embeddings result;
  std::atomic<std::uint32_t> tokens = 0;  // of result, for who is not the worker
  std::atomic<bool> unwanted = false;
};

class EmbeddingQueue::Ticket final : public Embedding {
 public:
  explicit Ticket(std::shared_ptr<Work> work) : work_(std::move(work)) {}
  ~Ticket() override { work_->unwanted = true; }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  Usage usage() const override {
    return {.prompt_tokens = work_->tokens, .cached_tokens = 0, .completion_tokens = 0};
  }

 private:
  const std::shared_ptr<Work> work_;
};

std::unique_ptr<Embedding> EmbeddingQueue::add(std::vector<std::string> texts, Caller caller,
                                               Done done) {
  auto work = std::make_shared<Work>();
  work->texts = std::move(texts);
  work->deadline = caller.deadline;
  work->done = std::move(done);
  auto ticket = std::make_unique<Ticket>(work);
  const auto count = static_cast<std::uint32_t>(work->texts.size());
  if (texts_waiting_.fetch_add(count) + count > kMostTextsWaiting) {
    end(*work, fail(ErrorKind::resource_exhausted, "too many texts are waiting to be embedded"));
    return ticket;
  }
  worker_.post(std::move(caller.tenant), [this, work](const std::stop_token& stop) {
    return go_on(*work, stop) ? WorkerThread::Next::done : WorkerThread::Next::again;
  });
  return ticket;
}

bool EmbeddingQueue::go_on(Work& work, const std::stop_token& stop) {
  const std::size_t before = work.result.vectors.size();
  Result<> outcome = embed_some(work, stop);
  texts_waiting_ -= static_cast<std::uint32_t>(work.result.vectors.size() - before);
  if (outcome.ok() && work.result.vectors.size() < work.texts.size()) return false;
  end(work, std::move(outcome));
  return true;
}

Result<> EmbeddingQueue::embed_some(Work& work, const std::stop_token& stop) {
  if (stop.stop_requested()) return fail(ErrorKind::unavailable, "the model is shutting down");
  if (work.unwanted) return fail(ErrorKind::cancelled, "nobody wants these vectors any more");
  if (work.deadline.passed()) {
    return fail(ErrorKind::deadline_exceeded, "embedding took longer than allowed");
  }
  if (work.texts.empty()) return {};
  try {
    if (!embedder_) embedder_ = TRY(make_());
    const std::span<const std::string> texts(work.texts);
    const std::uint32_t before = work.result.prompt_tokens;
    TRY(embedder_->embed_some(texts.subspan(work.result.vectors.size()), work.result));
    tokens_total_ += work.result.prompt_tokens - before;
    work.tokens = work.result.prompt_tokens;
    return {};
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, std::string("embedding: ") + error.what());
  }
}

void EmbeddingQueue::end(Work& work, Result<> outcome) {
  texts_waiting_ -= static_cast<std::uint32_t>(work.texts.size() - work.result.vectors.size());
  const Done done = std::exchange(work.done, nullptr);
  work.texts.clear();
  if (outcome.ok()) {
    done(std::move(work.result));
  } else {
    done(fail(std::move(outcome).error()));
  }
}

}  // namespace quern::inference
