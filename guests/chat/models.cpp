#include "models.hpp"

#include "json_writer.hpp"

#include <charconv>
#include <string>

namespace quern::chat {
namespace {

// OpenAI's four members, and under "meta" what the page and curious people want to know.
void write_model(JsonWriter& json, const llm::ModelInfo& model) {
  json.begin_object().field("id", model.name).field("object", "model");
  json.field("created", model.created).field("owned_by", "quern");
  json.key("meta").begin_object();
  json.field("architecture", model.architecture).field("parameters", model.parameters);
  json.field("size_bytes", model.size_bytes).field("context_tokens", model.context_tokens);
  json.field("embedding_length", model.embedding_length).field("vocabulary", model.vocabulary);
  json.field("chat", model.chat);
  json.key("digest").text_or_null(model.digest.value_or(""));
  json.end_object().end_object();
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    out += escape ? static_cast<char>(value) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

Response list_models(World& world) {
  JsonWriter json;
  json.begin_object().field("object", "list").key("data").begin_array();
  for (const llm::ModelInfo& model : world.models.granted()) write_model(json, model);
  json.end_array().end_object();
  return json_response(std::move(json).take());
}

Response show_model(World& world, std::string_view id) {
  const std::string name = percent_decoded(id);
  for (const llm::ModelInfo& model : world.models.granted()) {
    if (model.name != name) continue;
    JsonWriter json;
    write_model(json, model);
    return json_response(std::move(json).take());
  }
  llm::Error missing;
  missing.kind = llm::ErrorKind::model_not_found;
  return error_response(from_llm(missing, "model", name));
}

}  // namespace quern::chat
