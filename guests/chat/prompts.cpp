#include "prompts.hpp"

#include "json_writer.hpp"

#include <algorithm>
#include <utility>

namespace quern::chat {
namespace {

bool is_token(const Json& value) {
  return value.is_number_integer() && value >= 0 && value <= 0x7FFF'FFFF;
}

bool are_tokens(const Json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_token);
}

Prompt to_prompt(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.get<std::vector<std::uint32_t>>();
}

bool is_prompt(const Json& value) { return value.is_string() || are_tokens(value); }

}  // namespace

std::vector<Prompt> read_prompts(Fields& fields, std::string_view name, std::size_t limit) {
  const Json& value = fields.required(name);
  if (value.is_null()) return {};
  if (is_prompt(value)) return {to_prompt(value)};
  if (!value.is_array() || value.empty() || !std::all_of(value.begin(), value.end(), is_prompt)) {
    fields.error(name, "invalid_type",
                 "Invalid '" + std::string(name) +
                     "': expected a string, or an array of strings, token ids or arrays of token "
                     "ids, none of them empty.");
    return {};
  }
  if (value.size() > limit) {
    fields.error(name, "array_above_max_length",
                 "Invalid '" + std::string(name) + "': expected at most " + std::to_string(limit) +
                     " entries, but got " + std::to_string(value.size()) + ".");
    return {};
  }
  std::vector<Prompt> prompts;
  for (const Json& one : value) prompts.push_back(to_prompt(one));
  return prompts;
}

llm::Result<std::vector<std::string>> to_texts(const std::vector<Prompt>& prompts,
                                               llm::Model& model) {
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) {
    if (const auto* const text = std::get_if<std::string>(&prompt)) {
      texts.push_back(*text);
      continue;
    }
    auto text = model.detokenize(std::get<1>(prompt));
    if (!text) return tl::unexpected(std::move(text).error());
    texts.push_back(valid_utf8(*text));
  }
  return texts;
}

}  // namespace quern::chat
