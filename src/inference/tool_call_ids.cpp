#include "inference/tool_call_ids.hpp"

#include <random>
#include <string_view>

namespace quern::inference {

std::string make_tool_call_id() {
  constexpr std::string_view kSigns =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> which(0, kSigns.size() - 1);
  std::string id = "call_";
  for (int i = 0; i < 24; ++i) id += kSigns[which(random)];
  return id;
}

}  // namespace quern::inference
