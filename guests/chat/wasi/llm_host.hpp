// quern:llm's imports as our interfaces of llm.hpp.
#pragma once

#include "llm.hpp"

namespace quern::chat::wasi {

class HostModels final : public llm::Models {
 public:
  std::vector<llm::ModelInfo> granted() override;
  llm::Result<std::unique_ptr<llm::Model>> open(std::string_view name) override;
  std::vector<std::size_t> wait_any(std::span<llm::Generation* const> generations) override;
};

}  // namespace quern::chat::wasi
