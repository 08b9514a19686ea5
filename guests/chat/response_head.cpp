#include "response_head.hpp"

namespace quern::chat {
namespace {

// "fp_" and the first digits of the weights' digest.
std::string fingerprint_of(const llm::ModelInfo& model) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::size_t kDigits = 10;
  if (!model.digest || !model.digest->starts_with(kPrefix)) return {};
  return "fp_" + model.digest->substr(kPrefix.size(), kDigits);
}

}  // namespace

ResponseHead make_head(std::string_view prefix, const World& world, const llm::ModelInfo& model) {
  return {.id = make_id(prefix, world.random),
          .created = world.now_s,
          .model = model.name,
          .fingerprint = fingerprint_of(model)};
}

void write_head(JsonWriter& json, const ResponseHead& head, std::string_view object) {
  json.field("id", head.id).field("object", object).field("created", head.created);
  json.field("model", head.model);
  if (!head.fingerprint.empty()) json.field("system_fingerprint", head.fingerprint);
}

}  // namespace quern::chat
