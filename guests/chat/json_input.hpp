// Reads the body of a request as JSON, within limits that keep hostile bodies cheap.
#pragma once

#include "result.hpp"
#include <nlohmann/json.hpp>

#include <string_view>

namespace quern::chat {

// Ordered: the order of a JSON Schema's properties is the order in which the model writes them.
using Json = nlohmann::ordered_json;

// OpenAI's own limit lies in the same range; with attached pictures in base64 this is about 6 MB
// of them.
inline constexpr std::size_t kMaxBodyBytes = 8U << 20U;
// Deeper than any schema that the grammar can hold.
inline constexpr std::size_t kMaxDepth = 64;
// Keys of one object. Ordered objects look keys up one by one, so this bounds the square of it.
inline constexpr std::size_t kMaxKeys = 1024;
// Values of the whole body: 16 bytes each in memory, and twice that while an array grows.
inline constexpr std::size_t kMaxValues = 1'000'000;

// Status 400 when it is not a JSON object or passes a limit, 413 when it is too large.
Outcome<Json> read_json_object(std::string_view body);

// Writes a value back as text, its keys in their order.
std::string to_text(const Json& value);

}  // namespace quern::chat
