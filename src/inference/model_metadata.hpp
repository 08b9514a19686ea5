// The metadata of a model file, and the claims in it that llama.cpp believes without looking:
// counts that it divides by, tables that must be equally long, token numbers that it indexes with.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quern::inference {

// More layers, or experts of one, than these end the process inside of llama.cpp (its
// LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS).
inline constexpr std::int32_t kMostLayers = 512;
inline constexpr std::int32_t kMostExperts = 1024;

struct MetadataArray {
  // Longer arrays of numbers are counted but not kept.
  static constexpr std::uint64_t kMostNumbers = 1U << 20U;
  std::uint64_t count = 0;
  bool is_text = false;
  std::vector<std::int64_t> numbers;  // integers only
};
using MetadataValue = std::variant<std::int64_t, double, std::string, MetadataArray>;
using Metadata = std::map<std::string, MetadataValue, std::less<>>;

// Null where the key is absent or something else.
const std::int64_t* find_number(const Metadata& metadata, std::string_view key);
const std::string* find_text(const Metadata& metadata, std::string_view key);
const MetadataArray* find_array(const Metadata& metadata, std::string_view key);

// corrupt_data or unsupported, naming the key.
Result<> check_metadata(const Metadata& metadata);

}  // namespace quern::inference
