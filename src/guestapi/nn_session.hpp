// What one instance has of WASI-NN beside its handles.
#pragma once

#include "guestapi/later.hpp"
#include "inference/inference.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace quern::guestapi {

struct NnSession {
  // Graphs by the name they were loaded under; a second load gives the same one.
  std::map<std::string, std::uint32_t, std::less<>> graphs;
  // A model that is being opened for the call that waits now.
  using Opening = Later<Result<std::shared_ptr<inference::Model>>>;
  std::shared_ptr<Opening> opening;
  // Bytes of prompts that its contexts hold.
  std::size_t inputs = 0;
};

}  // namespace quern::guestapi
