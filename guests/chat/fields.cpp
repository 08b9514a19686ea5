#include "fields.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quern::chat {
namespace {

const Json& empty_object() {
  static const Json kEmpty = Json::object();
  return kEmpty;
}

std::string_view kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "a boolean";
    case Json::value_t::number_float: return "a decimal number";
    default: return "an integer";
  }
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string shown(double value) { return to_text(Json(value)); }
std::string shown(std::int64_t value) { return std::to_string(value); }

// OpenAI's codes: integer_above_max_value, decimal_below_min_value ...
template <class Number>
ApiError out_of_range(std::string path, std::string_view kind, Number got, Number min, Number max) {
  const bool below = got < min;
  std::string message = "Invalid " + in_quotes(path) + ": " + std::string(kind) +
                        (below ? " below minimum" : " above maximum") +
                        " value. Expected a value " + (below ? ">= " : "<= ") +
                        shown(below ? min : max) + ", but got " + shown(got) + " instead.";
  return bad_request(std::move(path),
                     std::string(kind) + (below ? "_below_min" : "_above_max") + "_value",
                     std::move(message));
}

std::int64_t as_integer(const Json& value) {
  if (!value.is_number_unsigned()) return value.get<std::int64_t>();
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(value.get<std::uint64_t>(), kMax));
}

}  // namespace

ApiError wrong_type(std::string path, std::string_view expected, const Json& got) {
  std::string message = "Invalid type for " + in_quotes(path) + ": expected " +
                        std::string(expected) + ", but got " + std::string(kind_of(got)) +
                        " instead.";
  return bad_request(std::move(path), "invalid_type", std::move(message));
}

Fields::Fields(const Json& object, std::string path, FirstError& error)
    : object_(object.is_object() ? object : empty_object()), path_(std::move(path)), error_(error) {
  if (!object.is_object()) error_.put(wrong_type(path_, "an object", object));
}

const Json* Fields::find(std::string_view name) const {
  for (auto member = object_.begin(); member != object_.end(); ++member) {
    if (member.key() == name) return &member.value();
  }
  return nullptr;
}

bool Fields::has(std::string_view name) const {
  const Json* const value = find(name);
  return value != nullptr && !value->is_null();
}

const Json* Fields::get(std::string_view name) {
  known_.push_back(name);
  const Json* const value = find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr) return {};
  if (value->is_boolean()) return value->get<bool>();
  error_.put(wrong_type(path_of(name), "a boolean", *value));
  return {};
}

std::optional<std::int64_t> Fields::integer(std::string_view name, IntRange range) {
  const Json* const value = get(name);
  if (value == nullptr) return {};
  if (!value->is_number_integer()) {
    error_.put(wrong_type(path_of(name), "an integer", *value));
    return {};
  }
  const std::int64_t number = as_integer(*value);
  if (number >= range.min && number <= range.max) return number;
  error_.put(out_of_range(path_of(name), "integer", number, range.min, range.max));
  return {};
}

std::optional<std::uint32_t> Fields::count(std::string_view name, IntRange range) {
  const auto value = integer(name, range);
  if (!value) return {};
  return static_cast<std::uint32_t>(*value);
}

std::optional<float> Fields::number(std::string_view name, Range range) {
  const Json* const value = get(name);
  if (value == nullptr) return {};
  if (!value->is_number()) {
    error_.put(wrong_type(path_of(name), "a decimal number", *value));
    return {};
  }
  const auto number = value->get<double>();
  if (number >= range.min && number <= range.max) return static_cast<float>(number);
  error_.put(out_of_range(path_of(name), "decimal", number, range.min, range.max));
  return {};
}

std::optional<std::string> Fields::text(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  error_.put(wrong_type(path_of(name), "a string", *value));
  return {};
}

std::optional<std::string> Fields::word(std::string_view name,
                                        std::initializer_list<std::string_view> words) {
  auto value = text(name);
  if (!value || std::find(words.begin(), words.end(), *value) != words.end()) return value;
  std::string message = "Invalid value: " + in_quotes(*value) + ". Supported values are: ";
  for (const std::string_view word : words) {
    message += (word == *words.begin() ? "" : ", ") + in_quotes(word);
  }
  error(name, "invalid_value", message + ".");
  return {};
}

const Json* Fields::array(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr || value->is_array()) return value;
  error_.put(wrong_type(path_of(name), "an array", *value));
  return nullptr;
}

const Json* Fields::object(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr || value->is_object()) return value;
  error_.put(wrong_type(path_of(name), "an object", *value));
  return nullptr;
}

std::string Fields::required_text(std::string_view name) {
  if (required(name).is_null()) return {};
  return text(name).value_or("");
}

const Json& Fields::required(std::string_view name) {
  static const Json kNull;
  const Json* const value = get(name);
  if (value != nullptr) return *value;
  error(name, "missing_required_parameter",
        "Missing required parameter: " + in_quotes(path_of(name)) + ".");
  return kNull;
}

void Fields::ignore(std::initializer_list<std::string_view> names) {
  known_.insert(known_.end(), names.begin(), names.end());
}

void Fields::refuse(std::string_view name, std::string_view why) {
  if (get(name) == nullptr) return;
  error(name, "unsupported_parameter",
        "Unsupported parameter: " + in_quotes(path_of(name)) + ". " + std::string(why));
}

void Fields::refuse_others() {
  for (auto member = object_.begin(); member != object_.end(); ++member) {
    if (std::find(known_.begin(), known_.end(), member.key()) != known_.end()) continue;
    if (path_.empty()) {
      // At the top level OpenAI's API names the argument in the text alone.
      error_.put(bad_request("", "", "Unrecognized request argument supplied: " + member.key()));
    } else {
      error(member.key(), "unknown_parameter",
            "Unknown parameter: " + in_quotes(path_of(member.key())) + ".");
    }
    return;
  }
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::error(std::string_view name, std::string code, std::string message) {
  error_.put(bad_request(path_of(name), std::move(code), std::move(message)));
}

}  // namespace quern::chat
