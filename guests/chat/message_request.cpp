#include "message_request.hpp"

#include "base64.hpp"

#include <utility>

namespace quern::chat {
namespace {

// "data:image/png;base64,...", RFC 2397.
std::optional<llm::Part> read_data_url(std::string_view url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kMarker = ";base64,";
  const std::size_t marker = url.find(kMarker);
  if (!url.starts_with(kScheme) || marker == std::string_view::npos) return {};
  auto bytes = from_base64(url.substr(marker + kMarker.size()));
  if (!bytes) return {};
  return llm::Part{.kind = llm::Part::Kind::image,
                   .data = std::move(*bytes),
                   .mime_type = std::string(url.substr(5, marker - 5))};
}

llm::Part read_image(Fields& part, FirstError& error) {
  Fields image(part.required("image_url"), part.path_of("image_url"), error);
  const std::string url = image.required_text("url");
  image.ignore({"detail"});
  image.refuse_others();
  auto data = read_data_url(url);
  if (!data) {
    image.error("url", "invalid_value",
                "Invalid '" + image.path_of("url") +
                    "': expected a data: URL in base64. This server fetches no pictures.");
  }
  return std::move(data).value_or(llm::Part{});
}

llm::Part read_audio(Fields& part, FirstError& error) {
  Fields audio(part.required("input_audio"), part.path_of("input_audio"), error);
  auto bytes = from_base64(audio.required_text("data"));
  const auto format = audio.word("format", {"wav", "mp3"});
  audio.refuse_others();
  if (!bytes) {
    audio.error("data", "invalid_value",
                "Invalid '" + audio.path_of("data") + "': not valid base64.");
  }
  return {.kind = llm::Part::Kind::audio,
          .data = std::move(bytes).value_or(""),
          .mime_type = format == "mp3" ? "audio/mpeg" : "audio/wav"};
}

llm::Part read_part(const Json& value, std::string path, FirstError& error) {
  Fields part(value, std::move(path), error);
  const auto type = part.word("type", {"text", "image_url", "input_audio", "refusal"}).value_or("");
  llm::Part result;
  if (type == "text" || type == "refusal") {
    result.data = part.required_text(type);
  } else if (type == "image_url") {
    result = read_image(part, error);
  } else if (type == "input_audio") {
    result = read_audio(part, error);
  } else {
    part.required("type");
  }
  part.refuse_others();
  return result;
}

std::vector<llm::Part> read_content(Fields& message, FirstError& error) {
  const Json* const content = message.get("content");
  std::vector<llm::Part> parts;
  if (content == nullptr) return parts;
  if (content->is_string()) {
    parts.push_back(
        {.kind = llm::Part::Kind::text, .data = content->get<std::string>(), .mime_type = {}});
  } else if (content->is_array()) {
    const std::string path = message.path_of("content");
    for (std::size_t i = 0; i < content->size(); ++i) {
      parts.push_back(read_part((*content)[i], path + "[" + std::to_string(i) + "]", error));
    }
  } else {
    error.put(
        wrong_type(message.path_of("content"), "a string or an array of content parts", *content));
  }
  return parts;
}

llm::ToolCall read_call(const Json& value, std::string path, FirstError& error) {
  Fields call(value, std::move(path), error);
  llm::ToolCall result;
  result.id = call.required_text("id");
  call.word("type", {"function"});
  Fields function(call.required("function"), call.path_of("function"), error);
  result.name = function.required_text("name");
  result.arguments = function.required_text("arguments");
  function.refuse_others();
  call.ignore({"index"});  // clients send deltas back as they came
  call.refuse_others();
  return result;
}

llm::Role to_role(std::string_view word) {
  if (word == "system") return llm::Role::system;
  if (word == "developer") return llm::Role::developer;
  if (word == "assistant") return llm::Role::assistant;
  return word == "tool" ? llm::Role::tool : llm::Role::user;
}

llm::Message read_message(const Json& value, std::string path, FirstError& error) {
  Fields message(value, std::move(path), error);
  llm::Message result;
  message.required("role");
  result.role = to_role(
      message.word("role", {"system", "developer", "user", "assistant", "tool"}).value_or(""));
  result.content = read_content(message, error);
  result.name = message.text("name");
  if (result.role == llm::Role::assistant) {
    result.reasoning = message.text("reasoning_content");
    if (const Json* const calls = message.array("tool_calls")) {
      const std::string calls_path = message.path_of("tool_calls");
      for (std::size_t i = 0; i < calls->size(); ++i) {
        result.tool_calls.push_back(
            read_call((*calls)[i], calls_path + "[" + std::to_string(i) + "]", error));
      }
    }
    message.refuse("function_call", "Use 'tool_calls' instead.");
    // Parts of an answer that clients send back whole.
    message.ignore({"refusal", "audio", "annotations"});
  }
  if (result.role == llm::Role::tool) result.tool_call_id = message.required_text("tool_call_id");
  if (result.content.empty() && result.tool_calls.empty() && !message.has("content")) {
    message.required("content");
  }
  message.refuse_others();
  return result;
}

}  // namespace

std::vector<llm::Message> read_messages(Fields& fields, FirstError& error) {
  std::vector<llm::Message> result;
  const Json& messages = fields.required("messages");
  if (messages.is_null()) return result;
  if (!messages.is_array()) {
    error.put(wrong_type("messages", "an array of objects", messages));
    return result;
  }
  if (messages.empty()) {
    fields.error("messages", "empty_array",
                 "Invalid 'messages': empty array. Expected an array with minimum length 1.");
  }
  for (std::size_t i = 0; i < messages.size() && !error.set(); ++i) {
    result.push_back(read_message(messages[i], "messages[" + std::to_string(i) + "]", error));
  }
  return result;
}

}  // namespace quern::chat
