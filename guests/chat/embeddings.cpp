#include "embeddings.hpp"

#include "base64.hpp"
#include "fields.hpp"
#include "json_writer.hpp"
#include "prompts.hpp"
#include "sampling_request.hpp"

#include <bit>
#include <span>
#include <utility>

namespace quern::chat {
namespace {

// As many texts as OpenAI's API takes at once.
constexpr std::size_t kMaxInputs = 2048;

struct EmbeddingRequest {
  std::string model;
  std::vector<Prompt> inputs;
  bool base64 = false;
  std::optional<std::uint32_t> dimensions;
};

Outcome<EmbeddingRequest> read_request(std::string_view body) {
  const Json json = CHAT_TRY(read_json_object(body));
  FirstError error;
  Fields fields(json, "", error);
  EmbeddingRequest request;
  request.model = read_model(fields);
  request.inputs = read_prompts(fields, "input", kMaxInputs);
  request.base64 = fields.word("encoding_format", {"float", "base64"}) == "base64";
  request.dimensions = fields.count("dimensions", {.min = 1, .max = 0x7FFF'FFFF});
  fields.ignore({"user"});
  fields.refuse_others();
  if (error.set()) return fail(error.take());
  return request;
}

ApiError wrong_dimensions(std::uint32_t wanted, const llm::ModelInfo& model) {
  return bad_request("dimensions", "unsupported_value",
                     "This model's embeddings have " + std::to_string(model.embedding_length) +
                         " dimensions and cannot be given with " + std::to_string(wanted) + ".");
}

// The vector's floats as they lie in memory on a little-endian machine, which wasm is.
std::string floats_to_base64(std::span<const float> vector) {
  static_assert(std::endian::native == std::endian::little);
  return to_base64(
      std::string_view(reinterpret_cast<const char*>(vector.data()), vector.size_bytes()));
}

void write_vector(JsonWriter& json, std::span<const float> vector, bool base64) {
  if (base64) {
    json.text(floats_to_base64(vector));
    return;
  }
  json.begin_array();
  for (const float value : vector) json.number(value);
  json.end_array();
}

std::string to_json(const EmbeddingRequest& request, const llm::ModelInfo& model,
                    const llm::Embeddings& embeddings) {
  JsonWriter json;
  json.begin_object().field("object", "list").key("data").begin_array();
  for (std::size_t i = 0; i < embeddings.vectors.size(); ++i) {
    json.begin_object().field("object", "embedding").field("index", i);
    write_vector(json.key("embedding"), embeddings.vectors[i], request.base64);
    json.end_object();
  }
  json.end_array().field("model", model.name);
  json.key("usage").begin_object();
  json.field("prompt_tokens", embeddings.prompt_tokens);
  json.field("total_tokens", embeddings.prompt_tokens).end_object().end_object();
  return std::move(json).take();
}

Outcome<std::string> answer(World& world) {
  const std::string body = CHAT_TRY(world.body.read(kMaxBodyBytes));
  const EmbeddingRequest request = CHAT_TRY(read_request(body));
  const auto told = [&](const llm::Error& error) {
    return fail(from_llm(error, "input", request.model));
  };
  auto model = world.models.open(request.model);
  if (!model) return told(model.error());
  const llm::ModelInfo info = (*model)->info();
  if (request.dimensions && *request.dimensions != info.embedding_length) {
    return fail(wrong_dimensions(*request.dimensions, info));
  }
  const auto texts = to_texts(request.inputs, **model);
  if (!texts) return told(texts.error());
  const auto embeddings = (*model)->embed(*texts);
  if (!embeddings && embeddings.error().kind == llm::ErrorKind::invalid_argument) {
    return fail(bad_request("input", "invalid_value", embeddings.error().text));
  }
  if (!embeddings) return told(embeddings.error());
  return to_json(request, info, *embeddings);
}

}  // namespace

void embeddings(World& world, Responder& responder) {
  auto json = answer(world);
  send(responder, json ? json_response(*std::move(json)) : error_response(json.error()));
}

}  // namespace quern::chat
