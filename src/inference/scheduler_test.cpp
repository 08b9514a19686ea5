#include "inference/scheduler.hpp"

#include "inference/fake_decoder.hpp"
#include "inference/sampler.hpp"
#include "inference/test_reader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace quern::inference {
namespace {

std::vector<Token> run(Token from, std::size_t count) {
  std::vector<Token> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i] = static_cast<Token>((static_cast<std::size_t>(from) + i) % 60);
  }
  return tokens;
}

// Says the greatest logit as "<number> ".
class Echo final : public Speaker {
 public:
  explicit Echo(std::shared_ptr<EventChannel> channel) : channel_(std::move(channel)) {}
  Result<Said> say(std::span<const float> logits) override {
    const Token token = greatest(logits);
    channel_->push(Content{std::to_string(token) + " "});
    return Said{.token = token, .ended = {}};
  }
  FinishReason close(FinishReason reason) override { return reason; }

 private:
  std::shared_ptr<EventChannel> channel_;
};

std::string expected_answer(std::vector<Token> tokens, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    tokens.push_back(FakeDecoder::answer_to(tokens));
    text += std::to_string(tokens.back()) + " ";
  }
  return text;
}

struct Request {
  std::shared_ptr<EventChannel> channel;
  std::vector<Token> prompt;
  Answer answer;

  // Reads what is there; true when it is over.
  bool over() {
    while (!answer.finished && !answer.error) {
      auto events = channel->read();
      if (!events.ok()) {
        answer.error = std::move(events).error();
        break;
      }
      if (events->empty()) break;
      for (const Event& event : *events) add_event(answer, event);
    }
    return answer.finished || answer.error;
  }
};

struct Ask {
  std::vector<Token> prompt;
  std::uint32_t max_tokens = 4;
  std::string tenant = "a";
  Deadline deadline = Deadline::never();
  std::size_t capacity = 1000;
};

struct Bench {
  explicit Bench(SchedulerOptions options = {}, std::uint32_t cells = 1000)
      : decoder(cells), scheduler(decoder, counters, with_context(options)) {}

  static SchedulerOptions with_context(SchedulerOptions options) {
    if (options.context_tokens == 0) options.context_tokens = 500;
    return options;
  }

  std::unique_ptr<Request> ask(Ask what) {
    auto request = std::make_unique<Request>();
    request->prompt = what.prompt;
    request->channel = std::make_shared<EventChannel>(what.capacity, nullptr);
    auto job = std::make_unique<Job>();
    job->tenant = what.tenant;
    job->deadline = what.deadline;
    job->max_tokens = what.max_tokens;
    job->tokens = what.prompt;
    job->usage.prompt_tokens = static_cast<std::uint32_t>(what.prompt.size());
    job->channel = request->channel;
    job->speaker = std::make_unique<Echo>(request->channel);
    ++counters.in_flight;
    scheduler.add(std::move(job));
    return request;
  }

  int finish_all() {
    int steps = 0;
    while (scheduler.step() && steps < 10000) ++steps;
    return steps;
  }

  FakeDecoder decoder;
  Counters counters;
  Scheduler scheduler;
};

void expect_right(Request& request, int count = 4) {
  ASSERT_TRUE(request.over());
  ASSERT_TRUE(request.answer.finished) << request.answer.error->describe();
  EXPECT_EQ(request.answer.text, expected_answer(request.prompt, count));
}

TEST(Scheduler, WhatFollowsASharedBeginningLeavesTheContextToo) {
  Bench bench({.cache_tokens = 1000});
  auto first = bench.ask({.prompt = run(0, 100), .max_tokens = 1});
  bench.finish_all();
  std::vector<Token> begins_alike = run(0, 10);
  begins_alike.push_back(42);
  auto other = bench.ask({.prompt = begins_alike, .max_tokens = 3});
  while (!other->over()) {
    ASSERT_TRUE(bench.scheduler.step());
    EXPECT_LT(bench.decoder.used(), 20U);
  }
  EXPECT_EQ(other->answer.finished->usage.cached_tokens, 10U);
  EXPECT_EQ(other->answer.text, expected_answer(begins_alike, 3));
}

TEST(Scheduler, IdlePromptsLeaveTheContextWhileOthersRun) {
  Bench bench({.cache_tokens = 1000});
  auto first = bench.ask({.prompt = run(0, 100), .max_tokens = 1});
  bench.finish_all();
  ASSERT_TRUE(first->over());
  EXPECT_EQ(bench.decoder.used(), 100U) << "alone, it stays for whoever goes on from it";
  auto other = bench.ask({.prompt = run(30, 20), .max_tokens = 3});
  while (!other->over()) {
    ASSERT_TRUE(bench.scheduler.step());
    EXPECT_LT(bench.decoder.used(), 30U);
  }
  auto again = bench.ask({.prompt = run(0, 110), .max_tokens = 2});
  bench.finish_all();
  ASSERT_TRUE(again->over());
  EXPECT_EQ(again->answer.finished->usage.cached_tokens, 100U) << "it was moved, not forgotten";
  EXPECT_EQ(again->answer.text, expected_answer(run(0, 110), 2));
}

TEST(Scheduler, AnswersOneRequest) {
  Bench bench;
  const auto request = bench.ask({.prompt = run(0, 10)});
  EXPECT_EQ(bench.finish_all(), 4);
  expect_right(*request);
  EXPECT_EQ(request->answer.finished->reason, FinishReason::length);
  EXPECT_EQ(request->answer.finished->usage.prompt_tokens, 10U);
  EXPECT_EQ(request->answer.finished->usage.completion_tokens, 4U);
  EXPECT_EQ(bench.counters.in_flight, 0U);
  EXPECT_EQ(bench.counters.running, 0U);
}

TEST(Scheduler, ManyAnswersShareEachStep) {
  Bench bench;
  std::vector<std::unique_ptr<Request>> requests;
  for (Token i = 0; i < 8; ++i) requests.push_back(bench.ask({.prompt = run(i * 7, 5)}));
  EXPECT_LE(bench.finish_all(), 6);
  for (const auto& request : requests) expect_right(*request);
}

TEST(Scheduler, LonePromptIsReadInWholeBatches) {
  Bench bench({.prefill_chunk = 4});
  const auto request = bench.ask({.prompt = run(0, 130), .max_tokens = 1});
  EXPECT_EQ(bench.finish_all(), 3);  // 64 + 64 + 2
  expect_right(*request, 1);
}

TEST(Scheduler, LongPromptDoesNotStallAStream) {
  Bench bench({.prefill_chunk = 10});
  const auto stream = bench.ask({.prompt = run(0, 5), .max_tokens = 50});
  bench.scheduler.step();
  const auto big = bench.ask({.prompt = run(3, 200)});
  for (int step = 0; step < 15; ++step) {
    bench.scheduler.step();
    EXPECT_LE(bench.decoder.batches.back().size(), 11U);
    EXPECT_EQ(bench.decoder.batches.back().front().wants_logits, true);  // the stream's token
  }
  bench.finish_all();
  expect_right(*stream, 50);
  expect_right(*big);
}

TEST(Scheduler, ShortPromptsPassLongOnesButNotForEver) {
  Bench bench({.prefill_chunk = 10});
  const auto stream = bench.ask({.prompt = run(0, 5), .max_tokens = 400});
  bench.scheduler.step();
  const auto big = bench.ask({.prompt = run(3, 60), .max_tokens = 1});
  std::vector<std::unique_ptr<Request>> small;
  for (Token i = 0; i < 40 && !big->over(); ++i) {
    small.push_back(bench.ask({.prompt = run(i * 13 + 1, 10), .max_tokens = 1, .tenant = "b"}));
    bench.scheduler.step();
    if (i != 0) continue;
    EXPECT_TRUE(small.front()->over());  // at once, though the long one came first
  }
  EXPECT_FALSE(big->over());
  bench.finish_all();
  expect_right(*big, 1);
}

TEST(Scheduler, TenantsTakeTurns) {
  Bench bench({.max_running = 1});
  std::vector<std::unique_ptr<Request>> greedy;
  for (Token i = 0; i < 10; ++i) greedy.push_back(bench.ask({.prompt = run(i, 5), .tenant = "a"}));
  const auto modest = bench.ask({.prompt = run(30, 5), .tenant = "b"});
  const auto modest_too = bench.ask({.prompt = run(31, 5), .tenant = "c"});
  for (int step = 0; step < 12; ++step) bench.scheduler.step();
  EXPECT_TRUE(greedy[0]->over());
  EXPECT_TRUE(modest->over());
  EXPECT_TRUE(modest_too->over());
  EXPECT_FALSE(greedy[1]->over());
  bench.finish_all();
  for (const auto& request : greedy) expect_right(*request);
}

TEST(Scheduler, CancellationFreesTheSlotWithinOneStep) {
  Bench bench({.max_running = 1});
  const auto first = bench.ask({.prompt = run(0, 5), .max_tokens = 400});
  bench.scheduler.step();
  const auto second = bench.ask({.prompt = run(20, 5)});
  first->channel->stop();
  bench.scheduler.step();
  EXPECT_TRUE(first->over());
  EXPECT_EQ(first->answer.text, expected_answer(first->prompt, 1));
  EXPECT_EQ(bench.decoder.batches.back().front().token, 20);  // the second is being read
  bench.finish_all();
  expect_right(*second);
}

TEST(Scheduler, CancelledWhileWaiting) {
  Bench bench({.max_running = 1});
  const auto first = bench.ask({.prompt = run(0, 5), .max_tokens = 10});
  const auto second = bench.ask({.prompt = run(20, 5)});
  bench.scheduler.step();
  second->channel->stop();
  bench.scheduler.step();
  EXPECT_TRUE(second->over());
  EXPECT_TRUE(second->answer.finished);
  EXPECT_EQ(second->answer.text, "");
}

TEST(Scheduler, DeadlinesHoldForRunningAndWaiting) {
  Bench bench({.max_running = 1});
  const auto first = bench.ask({.prompt = run(0, 5),
                                .max_tokens = 400,
                                .deadline = Deadline::in(std::chrono::milliseconds(20))});
  bench.scheduler.step();
  const auto second =
      bench.ask({.prompt = run(9, 5), .deadline = Deadline::in(std::chrono::milliseconds(20))});
  EXPECT_FALSE(bench.scheduler.next_deadline().is_never());
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
  EXPECT_FALSE(bench.scheduler.step());
  ASSERT_TRUE(first->over());
  ASSERT_TRUE(second->over());
  EXPECT_EQ(first->answer.error->kind(), ErrorKind::deadline_exceeded);
  EXPECT_EQ(first->answer.text, expected_answer(first->prompt, 1));
  EXPECT_EQ(second->answer.error->kind(), ErrorKind::deadline_exceeded);
  EXPECT_EQ(bench.counters.in_flight, 0U);
}

TEST(Scheduler, SlowReaderPausesOnlyItself) {
  Bench bench;
  const auto slow = bench.ask({.prompt = run(0, 5), .max_tokens = 30, .capacity = 3});
  const auto quick = bench.ask({.prompt = run(20, 5), .max_tokens = 30});
  bench.finish_all();
  EXPECT_TRUE(quick->over());
  expect_right(*quick, 30);
  EXPECT_EQ(bench.counters.running, 1U);
  int rounds = 0;
  while (!slow->over() && rounds++ < 100) bench.finish_all();
  expect_right(*slow, 30);
}

TEST(Scheduler, PausedAnswerGivesItsPlaceToAWaitingOne) {
  Bench bench({.max_running = 1, .cache_tokens = 500});
  const auto slow = bench.ask({.prompt = run(0, 5), .max_tokens = 10, .capacity = 3});
  const auto other = bench.ask({.prompt = run(20, 5), .tenant = "b"});
  bench.finish_all();
  expect_right(*other);
  for (int rounds = 0; !slow->over() && rounds < 20; ++rounds) bench.finish_all();
  expect_right(*slow, 10);
}

TEST(Scheduler, LaterPromptsTakeTheCachedBeginning) {
  Bench bench({.cache_tokens = 500});
  const auto first = bench.ask({.prompt = run(0, 50)});
  bench.finish_all();
  const std::size_t before = bench.decoder.computed;
  auto prompt = run(0, 40);
  prompt.push_back(7);
  const auto second = bench.ask({.prompt = prompt});
  const auto other_tenant = bench.ask({.prompt = prompt, .tenant = "b"});
  bench.finish_all();
  expect_right(*first);
  expect_right(*second);
  expect_right(*other_tenant);
  EXPECT_EQ(second->answer.finished->usage.cached_tokens, 40U);
  EXPECT_EQ(other_tenant->answer.finished->usage.cached_tokens, 0U);
  EXPECT_EQ(bench.decoder.computed - before, 1U + 3 + 41 + 3);
}

TEST(Scheduler, SharingPolicy) {
  for (const auto sharing : {CacheSharing::nobody, CacheSharing::everybody}) {
    Bench bench({.cache_tokens = 500, .cache_sharing = sharing});
    const auto first = bench.ask({.prompt = run(0, 50)});
    bench.finish_all();
    const auto same = bench.ask({.prompt = run(0, 50)});
    const auto other = bench.ask({.prompt = run(0, 50), .tenant = "b"});
    bench.finish_all();
    const std::uint32_t cached = sharing == CacheSharing::nobody ? 0 : 49;
    expect_right(*same);
    expect_right(*other);
    EXPECT_EQ(same->answer.finished->usage.cached_tokens, cached);
    EXPECT_EQ(other->answer.finished->usage.cached_tokens, cached);
  }
}

TEST(Scheduler, ThoseWhoComeTogetherComputeTheirPrefixOnce) {
  Bench bench({.prefill_chunk = 16, .cache_tokens = 900});
  std::vector<std::unique_ptr<Request>> requests;
  for (Token i = 0; i < 8; ++i) {
    auto prompt = run(0, 200);
    prompt.push_back(i);
    prompt.push_back(i + 1);
    requests.push_back(bench.ask({.prompt = prompt}));
  }
  bench.finish_all();
  for (const auto& request : requests) expect_right(*request);
  EXPECT_EQ(requests[0]->answer.finished->usage.cached_tokens, 0U);
  EXPECT_EQ(requests[7]->answer.finished->usage.cached_tokens, 200U);
  EXPECT_EQ(bench.decoder.computed, 200U + 8 * (2 + 3));
}

TEST(Scheduler, FollowersGoOnWhenTheirLeaderIsCancelled) {
  Bench bench({.cache_tokens = 900});
  auto prompt = run(0, 200);
  const auto leader = bench.ask({.prompt = prompt});
  prompt.push_back(5);
  const auto follower = bench.ask({.prompt = prompt});
  prompt.push_back(9);
  const auto last = bench.ask({.prompt = prompt});
  bench.scheduler.step();
  leader->channel->stop();
  bench.finish_all();
  expect_right(*follower);
  expect_right(*last);
  EXPECT_EQ(bench.decoder.computed, 202U + 3 + 3);  // the leader's 64 were not lost
  EXPECT_EQ(follower->answer.finished->usage.cached_tokens, 64U);
}

TEST(Scheduler, OutOfCellsTheCacheGoesFirst) {
  Bench bench({.cache_tokens = 900}, 120);
  const auto first = bench.ask({.prompt = run(0, 60)});
  bench.finish_all();
  const auto second = bench.ask({.prompt = run(30, 90)});
  bench.finish_all();
  expect_right(*first);
  expect_right(*second);
}

TEST(Scheduler, OutOfCellsTheYoungestWaitsAndIsStillRight) {
  Bench bench({.cache_tokens = 900}, 60);
  std::vector<std::unique_ptr<Request>> requests;
  for (Token i = 0; i < 6; ++i) {
    requests.push_back(bench.ask({.prompt = run(i * 9, 12), .max_tokens = 12}));
  }
  bench.finish_all();
  for (const auto& request : requests) {
    expect_right(*request, 12);
    EXPECT_EQ(request->answer.finished->usage.completion_tokens, 12U);
  }
}

TEST(Scheduler, AloneAndTooBigIsAnError) {
  Bench bench({}, 20);
  const auto request = bench.ask({.prompt = run(0, 30)});
  bench.finish_all();
  ASSERT_TRUE(request->over());
  EXPECT_EQ(request->answer.error->kind(), ErrorKind::resource_exhausted);
  EXPECT_EQ(bench.decoder.used(), 0U);
}

TEST(Scheduler, AFullContextEndsTheAnswer) {
  Bench bench({.context_tokens = 20});
  const auto request = bench.ask({.prompt = run(0, 15), .max_tokens = 100});
  bench.finish_all();
  expect_right(*request, 5);
  EXPECT_EQ(request->answer.finished->reason, FinishReason::length);
}

TEST(Scheduler, AFailedStepCostsOnlyThoseInIt) {
  Bench bench({.max_running = 2, .cache_tokens = 500});
  const auto first = bench.ask({.prompt = run(0, 5)});
  const auto second = bench.ask({.prompt = run(20, 5)});
  const auto third = bench.ask({.prompt = run(40, 5)});
  bench.decoder.failures = 1;
  bench.finish_all();
  ASSERT_TRUE(first->over());
  EXPECT_EQ(first->answer.error->kind(), ErrorKind::internal);
  EXPECT_TRUE(second->over() && second->answer.error);
  expect_right(*third);
  EXPECT_EQ(bench.counters.in_flight, 0U);
}

TEST(Scheduler, EndsEverythingWhenItGoes) {
  auto bench = std::make_unique<Bench>(SchedulerOptions{.max_running = 1});
  const auto first = bench->ask({.prompt = run(0, 5), .max_tokens = 400});
  const auto second = bench->ask({.prompt = run(0, 5)});
  bench->scheduler.step();
  bench->scheduler.abandon(Error(ErrorKind::unavailable, "going"));
  ASSERT_TRUE(first->over() && second->over());
  EXPECT_EQ(first->answer.error->kind(), ErrorKind::unavailable);
  EXPECT_EQ(second->answer.error->kind(), ErrorKind::unavailable);
  EXPECT_EQ(bench->counters.in_flight, 0U);
}

// Random arrivals, cancellations and slow readers over a context that is too small for them: every
// answer that ends must be the one that the prompt alone would have got.
TEST(Scheduler, StaysRightUnderPressure) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t below) {
      return static_cast<std::uint32_t>(random() % below);
    };
    Bench bench({.max_running = 5, .prefill_chunk = 7, .cache_tokens = 60}, 90);
    std::vector<std::unique_ptr<Request>> requests;
    for (int round = 0; round < 300; ++round) {
      if (requests.size() < 60 && pick(3) == 0) {
        auto prompt = run(static_cast<Token>(pick(3) * 10), 1 + pick(40));
        prompt.push_back(static_cast<Token>(pick(60)));
        requests.push_back(bench.ask({.prompt = prompt,
                                      .max_tokens = 1 + pick(10),
                                      .tenant = std::string(1, static_cast<char>('a' + pick(2))),
                                      .capacity = 1 + pick(6)}));
      }
      if (!requests.empty() && pick(20) == 0) requests[pick(60) % requests.size()]->channel->stop();
      bench.scheduler.step();
      for (auto& request : requests) {
        if (pick(3) == 0) request->over();
      }
    }
    for (int round = 0; round < 400; ++round) {
      bench.finish_all();
      for (auto& request : requests) request->over();
    }
    for (auto& request : requests) {
      ASSERT_TRUE(request->over());
      ASSERT_TRUE(request->answer.finished) << request->answer.error->describe();
      const auto said = static_cast<int>(request->answer.finished->usage.completion_tokens);
      EXPECT_EQ(request->answer.text, expected_answer(request->prompt, said)) << "seed " << seed;
    }
    EXPECT_EQ(bench.counters.in_flight, 0U);
  }
}

}  // namespace
}  // namespace quern::inference
