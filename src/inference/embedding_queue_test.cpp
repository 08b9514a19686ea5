#include "inference/embedding_queue.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>

namespace quern::inference {
namespace {

using namespace std::chrono_literals;

// Embeds one text a batch, once the test lets it, and writes down which.
class StepEmbedder final : public TextEmbedder {
 public:
  struct Log {
    std::counting_semaphore<> allowed{0};
    std::counting_semaphore<> done{0};
    std::mutex mutex;
    std::string texts;
  };
  explicit StepEmbedder(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  Result<> embed_some(std::span<const std::string> texts, Embeddings& into) override {
    log_->allowed.acquire();
    {
      const std::lock_guard lock(log_->mutex);
      log_->texts += texts.front();
    }
    into.vectors.push_back({1.F});
    into.prompt_tokens += 10;
    log_->done.release();
    if (texts.front() == "!") return fail(ErrorKind::unsupported, "not this");
    return {};
  }

 private:
  const std::shared_ptr<Log> log_;
};

// An answer that is awaited.
struct Asked {
  std::promise<Result<Embeddings>> promise;
  std::unique_ptr<Embedding> handle;
  Result<Embeddings> wait() { return promise.get_future().get(); }
};

class Queue : public testing::Test {
 protected:
  std::shared_ptr<Asked> ask(const std::string& letters, Caller caller = {}) {
    std::vector<std::string> texts;
    for (const char c : letters) texts.emplace_back(1, c);
    auto asked = std::make_shared<Asked>();
    asked->handle = queue->add(std::move(texts), std::move(caller), [asked](auto result) {
      asked->promise.set_value(std::move(result));
    });
    return asked;
  }
  // Lets `count` batches be done and waits for the last of them.
  void step(int count) {
    for (int i = 0; i < count; ++i) {
      log->allowed.release();
      log->done.acquire();
    }
  }

  std::shared_ptr<StepEmbedder::Log> log = std::make_shared<StepEmbedder::Log>();
  std::optional<EmbeddingQueue> queue{
      std::in_place, [this] {
        return Result<std::unique_ptr<TextEmbedder>>(std::make_unique<StepEmbedder>(log));
      }};
};

TEST_F(Queue, AnswersWithAVectorForEachText) {
  const auto asked = ask("abc");
  step(3);
  const auto result = asked->wait();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->vectors.size(), 3U);
  EXPECT_EQ(result->prompt_tokens, 30U);
  EXPECT_EQ(asked->handle->usage().prompt_tokens, 30U);
  EXPECT_EQ(queue->texts_waiting(), 0U);
  EXPECT_EQ(queue->tokens_total(), 30U);
}

TEST_F(Queue, CallersTakeTurns) {
  const auto all = ask("aaaaaa");
  step(1);
  const auto same = ask("b");
  const auto other = ask("xx", {.tenant = "other"});
  EXPECT_EQ(queue->texts_waiting(), 8U);
  step(4);
  EXPECT_TRUE(same->wait().ok());
  const std::string first = log->texts.substr(0, 4);  // a second "a" may have begun before the "b"
  EXPECT_NE(first.find('b'), std::string::npos) << log->texts;
  EXPECT_NE(first.find('x'), std::string::npos) << log->texts;
  step(4);
  EXPECT_TRUE(all->wait().ok());
  EXPECT_TRUE(other->wait().ok());
}

TEST_F(Queue, WhoIsGoneHoldsUpNobodyLongerThanABatch) {
  const auto big = ask("aaaaaa");
  step(1);
  big->handle.reset();
  const auto next = ask("b");
  log->allowed.release(2);  // of a batch that had begun, perhaps, and of the next caller's
  EXPECT_TRUE(next->wait().ok());
  EXPECT_LE(log->texts.size(), 3U) << log->texts;
  EXPECT_EQ(big->wait().error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(queue->texts_waiting(), 0U);
}

TEST_F(Queue, ADeadlineIsKeptBetweenBatches) {
  const auto late = ask("aaa", {.deadline = Deadline::in(50ms)});
  log->allowed.release();
  std::this_thread::sleep_for(60ms);
  log->allowed.release();  // of a batch that had begun, perhaps
  EXPECT_EQ(late->wait().error().kind(), ErrorKind::deadline_exceeded);
}

TEST_F(Queue, TheEndAnswersEverybody) {
  const auto begun = ask(std::string(200, 'a'));
  const auto waiting = ask(std::string(200, 'b'));
  step(1);
  auto end = std::async(std::launch::async, [this] { queue.reset(); });
  // A batch that has begun is not broken off.
  while (end.wait_for(20ms) != std::future_status::ready) log->allowed.release();
  EXPECT_EQ(begun->wait().error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(waiting->wait().error().kind(), ErrorKind::unavailable);
}

TEST_F(Queue, AFailureEndsItsCallerAlone) {
  const auto bad = ask("!a");
  const auto good = ask("b");
  step(2);
  EXPECT_EQ(bad->wait().error().kind(), ErrorKind::unsupported);
  EXPECT_TRUE(good->wait().ok());
  EXPECT_EQ(queue->texts_waiting(), 0U);
}

TEST_F(Queue, MoreThanFitsIsRefusedAtOnce) {
  const auto full = ask(std::string(4096, 'a'));
  EXPECT_EQ(ask("b")->wait().error().kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(queue->texts_waiting(), 4096U);
  full->handle.reset();
  log->allowed.release();
  EXPECT_EQ(full->wait().error().kind(), ErrorKind::cancelled);
}

}  // namespace
}  // namespace quern::inference
