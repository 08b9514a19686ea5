// What every response of one request repeats: who answered, when, under which id.
#pragma once

#include "http.hpp"
#include "json_writer.hpp"
#include "llm.hpp"

#include <cstdint>
#include <string>

namespace quern::chat {

struct ResponseHead {
  std::string id;
  std::uint64_t created = 0;
  std::string model;
  std::string fingerprint;  // which weights answered; may be empty
};

// `prefix` is that of the id: "chatcmpl-".
ResponseHead make_head(std::string_view prefix, const World& world, const llm::ModelInfo& model);

// id, object, created, model and system_fingerprint, into an object that is open.
void write_head(JsonWriter& json, const ResponseHead& head, std::string_view object);

}  // namespace quern::chat
