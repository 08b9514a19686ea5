// The answers to one request, n of them side by side: reads their generations as events come and
// hands each batch on with the number of its answer.
#pragma once

#include "llm.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace quern::chat {

// What one answer has brought since the last look.
struct Batch {
  std::size_t answer = 0;
  std::vector<llm::Event> events;  // never empty
};

class Answers {
 public:
  explicit Answers(llm::Models& models) : models_(models) {}

  void add(std::unique_ptr<llm::Generation> generation);
  std::size_t size() const { return generations_.size(); }
  bool finished() const { return running_ == 0; }

  // Waits for the next events of any answer. May come back empty; ask finished() whether there is
  // more. An error of one answer is the error of all: half of a request is no response.
  llm::Result<std::vector<Batch>> next();

 private:
  llm::Result<std::vector<Batch>> next_of_one(std::size_t answer);
  llm::Result<std::vector<Batch>> next_of_many();
  void note_end(const Batch& batch);

  llm::Models& models_;
  std::vector<std::unique_ptr<llm::Generation>> generations_;  // null when finished
  std::size_t running_ = 0;
};

}  // namespace quern::chat
