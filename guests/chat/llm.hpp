// quern:llm as this program sees it: the contract's words from the SDK, and its resources as
// interfaces.
//
// Two implementations: wasi/llm_host (the real imports) and llm_fake (a script, for tests).
#pragma once

#include "quern/words.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quern::chat::llm {

using namespace quern::llm;

// An answer on its way; destroying it cancels what is left.
class Generation {
 public:
  virtual ~Generation() = default;
  virtual Result<std::vector<Event>> read() = 0;
  virtual Result<std::vector<Event>> blocking_read() = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual ModelInfo info() = 0;
  virtual Result<std::unique_ptr<Generation>> chat(const std::vector<Message>& messages,
                                                   const ChatOptions& options) = 0;
  virtual Result<std::unique_ptr<Generation>> complete(std::string_view prompt,
                                                       const Sampling& sampling,
                                                       const Format& format) = 0;
  virtual Result<Embeddings> embed(const std::vector<std::string>& texts) = 0;
  virtual Result<std::string> detokenize(std::span<const std::uint32_t> tokens) = 0;
};

class Models {
 public:
  virtual ~Models() = default;
  virtual std::vector<ModelInfo> granted() = 0;
  virtual Result<std::unique_ptr<Model>> open(std::string_view name) = 0;
  // Waits until at least one of these would return something from read(); gives their positions.
  // `generations` is not empty.
  virtual std::vector<std::size_t> wait_any(std::span<Generation* const> generations) = 0;
};

}  // namespace quern::chat::llm
