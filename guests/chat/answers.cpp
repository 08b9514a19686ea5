#include "answers.hpp"

#include <algorithm>
#include <utility>

namespace quern::chat {

void Answers::add(std::unique_ptr<llm::Generation> generation) {
  generations_.push_back(std::move(generation));
  ++running_;
}

llm::Result<std::vector<Batch>> Answers::next() {
  if (finished()) return std::vector<Batch>{};
  if (running_ > 1) return next_of_many();
  const auto last = std::find_if(generations_.begin(), generations_.end(),
                                 [](auto& generation) { return generation != nullptr; });
  return next_of_one(static_cast<std::size_t>(last - generations_.begin()));
}

llm::Result<std::vector<Batch>> Answers::next_of_one(std::size_t answer) {
  auto events = generations_[answer]->blocking_read();
  if (!events) return tl::unexpected(std::move(events).error());
  std::vector<Batch> batches;
  batches.push_back({.answer = answer, .events = *std::move(events)});
  note_end(batches.front());
  if (batches.front().events.empty()) batches.clear();
  return batches;
}

llm::Result<std::vector<Batch>> Answers::next_of_many() {
  std::vector<llm::Generation*> waiting;
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < generations_.size(); ++i) {
    if (generations_[i] == nullptr) continue;
    waiting.push_back(generations_[i].get());
    numbers.push_back(i);
  }
  std::vector<Batch> batches;
  for (const std::size_t ready : models_.wait_any(waiting)) {
    auto events = waiting[ready]->read();
    if (!events) return tl::unexpected(std::move(events).error());
    if (events->empty()) continue;
    batches.push_back({.answer = numbers[ready], .events = *std::move(events)});
    note_end(batches.back());
  }
  return batches;
}

void Answers::note_end(const Batch& batch) {
  if (batch.events.empty() || !std::holds_alternative<llm::Summary>(batch.events.back())) return;
  generations_[batch.answer].reset();
  --running_;
}

}  // namespace quern::chat
