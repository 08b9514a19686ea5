// A model that says what a script tells it, and writes down what it was asked. For tests.
#pragma once

#include "json_input.hpp"
#include "llm.hpp"

#include <string>
#include <vector>

namespace quern::chat {

// The script is a JSON object:
//   {"answers": [ANSWER...], "open": ERROR, "vectors": [[0.6, 0.8]], "bytes": "text of tokens"}
// ANSWER, one per generation in order (the last is used again when there are too few):
//   {"refuse": ERROR} or {"batches": [[EVENT...]...], "error": ERROR}
// EVENT: {"content": ""}, {"reasoning": ""}, {"call": {index, id, name, arguments}},
//   {"logprobs": [{token, bytes, logprob, top}]}, {"finished": "stop", usage and times as numbers}
// ERROR: {"kind": "context_full", "text": "", ...}
class FakeModels final : public llm::Models {
 public:
  explicit FakeModels(Json script) : script_(std::move(script)) {}
  std::vector<llm::ModelInfo> granted() override;
  llm::Result<std::unique_ptr<llm::Model>> open(std::string_view name) override;
  std::vector<std::size_t> wait_any(std::span<llm::Generation* const> generations) override;

  // One line per call, in order.
  const std::string& asked() const { return asked_; }

 private:
  Json script_;
  std::string asked_;
  std::size_t turn_ = 0;
};

}  // namespace quern::chat
