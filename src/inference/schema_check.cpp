#include "inference/schema_check.hpp"

#include "inference/gbnf.hpp"

#include <json-schema-to-grammar.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace quern::inference {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestSchema = 128U << 10U;
constexpr int kDeepest = 32;
constexpr std::size_t kMostProperties = 100;  // of one object: the grammar grows with their square
// Of one keyword; and of a pattern's repetitions that stand in one another, multiplied. Either
// bounds in how many places of the grammar an answer can be at once.
constexpr std::int64_t kMostRepetitions = 2000;

const std::set<std::string, std::less<>> kDescriptions = {
    "title",    "description", "default", "examples", "deprecated",
    "$comment", "$schema",     "$id",     "$defs",    "definitions"};

struct TypeRules {
  std::string_view type;
  std::set<std::string, std::less<>> keywords;
};
const std::array<TypeRules, 7> kTypes = {{
    {"object", {"properties", "required", "additionalProperties"}},
    {"array", {"items", "prefixItems", "minItems", "maxItems"}},
    {"string", {"minLength", "maxLength", "pattern", "format"}},
    {"integer", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}},
    {"number", {}},
    {"boolean", {}},
    {"null", {}},
}};

Failure refuse(const std::string& place, const std::string& what) {
  return fail(ErrorKind::invalid_argument,
              "schema at " + (place.empty() ? "/" : place) + ": " + what);
}

Failure unenforceable(const std::string& place, const std::string& keyword) {
  return refuse(place, "the keyword '" + keyword + "' cannot be enforced here");
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "null") return value.is_null();
  return value.type_name() == type;
}

class Check {
 public:
  Result<> node(const Json& schema, const std::string& place, int depth) const {
    if (depth > kDeepest) return refuse(place, "nested too deeply");
    if (!schema.is_object()) return refuse(place, "a schema must be an object");
    for (const char* key : {"$defs", "definitions"}) {
      if (schema.contains(key)) TRY(definitions(schema.at(key), place + "/" + key, depth));
    }
    if (schema.contains("$ref")) return reference(schema, place);
    if (schema.contains("anyOf")) return any_of(schema, place, depth);
    const auto types = TRY(types_of(schema, place));
    if (schema.contains("const") || schema.contains("enum")) return fixed(schema, types, place);
    TRY(keywords(schema, types, place));
    if (types.contains("object")) TRY(object(schema, place, depth));
    if (types.contains("array")) TRY(array(schema, place, depth));
    if (types.contains("string")) TRY(string(schema, place));
    if (types.contains("integer")) TRY(integer(schema, place));
    return {};
  }

 private:
  using Types = std::set<std::string, std::less<>>;

  // Only `allowed` and what describes may stand beside each other.
  static Result<> only(const Json& schema, const Types& allowed, const std::string& place) {
    for (const auto& [keyword, value] : schema.items()) {
      if (!allowed.contains(keyword) && !kDescriptions.contains(keyword)) {
        return unenforceable(place, keyword);
      }
    }
    return {};
  }

  Result<> definitions(const Json& parts, const std::string& place, int depth) const {
    if (!parts.is_object()) return refuse(place, "not an object");
    for (const auto& [name, part] : parts.items()) TRY(node(part, place + "/" + name, depth + 1));
    return {};
  }

  static Result<> reference(const Json& schema, const std::string& place) {
    TRY(only(schema, {"$ref"}, place));
    const Json& target = schema.at("$ref");
    if (!target.is_string()) return refuse(place, "$ref is not a text");
    const auto path = target.get<std::string>();
    if (!path.starts_with("#/$defs/") && !path.starts_with("#/definitions/")) {
      return refuse(place, "$ref '" + path + "' points elsewhere than into $defs or definitions");
    }
    return {};
  }

  Result<> any_of(const Json& schema, const std::string& place, int depth) const {
    TRY(only(schema, {"anyOf"}, place));
    const Json& choices = schema.at("anyOf");
    if (!choices.is_array() || choices.empty()) return refuse(place, "anyOf is not a list");
    for (std::size_t i = 0; i < choices.size(); ++i) {
      TRY(node(choices[i], place + "/anyOf/" + std::to_string(i), depth + 1));
    }
    return {};
  }

  static Result<Types> types_of(const Json& schema, const std::string& place) {
    Types types;
    if (!schema.contains("type")) return types;
    const Json& type = schema.at("type");
    const Json list = type.is_array() ? type : Json::array({type});
    if (list.empty()) return refuse(place, "type is an empty list");
    for (const Json& name : list) {
      const bool known =
          name.is_string() && std::any_of(kTypes.begin(), kTypes.end(), [&](auto& t) {
            return t.type == name.template get_ref<const std::string&>();
          });
      if (!known) return refuse(place, "type " + name.dump() + " does not exist");
      types.insert(name.get<std::string>());
    }
    return types;
  }

  static Result<> fixed(const Json& schema, const Types& types, const std::string& place) {
    TRY(only(schema, {"type", schema.contains("const") ? "const" : "enum"}, place));
    const Json values =
        schema.contains("const") ? Json::array({schema.at("const")}) : schema.at("enum");
    if (!values.is_array() || values.empty()) return refuse(place, "enum is not a list of values");
    for (const Json& value : values) {
      const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](auto& type) {
                          return has_type(value, type);
                        });
      if (!fits) return refuse(place, "the value " + value.dump() + " is not of the given type");
    }
    return {};
  }

  static Result<> keywords(const Json& schema, const Types& types, const std::string& place) {
    Types allowed = {"type"};
    for (const TypeRules& rules : kTypes) {
      if (types.contains(rules.type)) allowed.insert(rules.keywords.begin(), rules.keywords.end());
    }
    return only(schema, allowed, place);
  }

  static Result<> count(const Json& schema, const char* keyword, const std::string& place) {
    if (!schema.contains(keyword)) return {};
    const Json& value = schema.at(keyword);
    if (!value.is_number_unsigned()) return refuse(place, std::string(keyword) + " is not a count");
    if (value.get<std::uint64_t>() > kMostRepetitions) {
      return refuse(place, std::string(keyword) + " cannot be enforced above " +
                               std::to_string(kMostRepetitions));
    }
    return {};
  }

  Result<> object(const Json& schema, const std::string& place, int depth) const {
    const Json properties = schema.value("properties", Json::object());
    if (!properties.is_object()) return refuse(place, "properties is not an object");
    if (properties.size() > kMostProperties) return refuse(place, "more than 100 properties");
    for (const auto& [name, part] : properties.items()) {
      TRY(node(part, place + "/properties/" + name, depth + 1));
    }
    const Json required = schema.value("required", Json::array());
    if (!required.is_array()) return refuse(place, "required is not a list");
    for (const Json& name : required) {
      if (!name.is_string() || !properties.contains(name.get_ref<const std::string&>())) {
        return refuse(place, "required names " + name.dump() + ", which is not in properties");
      }
    }
    if (!schema.contains("additionalProperties")) return {};
    const Json& more = schema.at("additionalProperties");
    return more.is_boolean() ? Result<>() : node(more, place + "/additionalProperties", depth + 1);
  }

  Result<> array(const Json& schema, const std::string& place, int depth) const {
    TRY(count(schema, "minItems", place));
    TRY(count(schema, "maxItems", place));
    if (schema.contains("prefixItems")) {
      for (const char* keyword : {"items", "minItems", "maxItems"}) {
        if (schema.contains(keyword)) return unenforceable(place, keyword);
      }
      const Json& items = schema.at("prefixItems");
      if (!items.is_array()) return refuse(place, "prefixItems is not a list");
      for (std::size_t i = 0; i < items.size(); ++i) {
        TRY(node(items[i], place + "/prefixItems/" + std::to_string(i), depth + 1));
      }
    }
    return schema.contains("items") ? node(schema.at("items"), place + "/items", depth + 1)
                                    : Result<>();
  }

  static Result<> string(const Json& schema, const std::string& place) {
    TRY(count(schema, "minLength", place));
    TRY(count(schema, "maxLength", place));
    const bool bounded = schema.contains("minLength") || schema.contains("maxLength");
    if (schema.contains("format")) {
      static const std::set<std::string> kFormats = {"date", "time", "date-time", "uuid"};
      const Json& format = schema.at("format");
      if (!format.is_string() || !kFormats.contains(format.get<std::string>())) {
        return refuse(place, "the format " + format.dump() + " cannot be enforced");
      }
      if (bounded || schema.contains("pattern")) return unenforceable(place, "format");
    }
    if (!schema.contains("pattern")) return {};
    if (bounded) return unenforceable(place, "pattern");
    return pattern(schema.at("pattern"), place);
  }

  // llama.cpp falls back to "any string" where a pattern is beyond it; that shows in the result.
  static Result<> pattern(const Json& pattern, const std::string& place) {
    if (!pattern.is_string() || pattern.get_ref<const std::string&>().empty()) {
      return refuse(place, "pattern is not a text");
    }
    const auto& text = pattern.get_ref<const std::string&>();
    if (!text.starts_with('^') || !text.ends_with('$')) {
      return refuse(place, "a pattern is enforced only if it begins with ^ and ends with $");
    }
    const Json schema = {{"type", "string"}, {"pattern", text}};
    const auto grammar = json_schema_to_grammar(common_json::parse(schema.dump()), true);
    if (grammar.find("root ::= string\n") != std::string::npos) {
      return refuse(place, "the pattern " + pattern.dump() + " cannot be enforced");
    }
    const auto rules = TRY(read_gbnf(grammar, [](auto) { return std::nullopt; }));
    if (repeats_more_than(rules, kMostRepetitions)) {
      return refuse(place, "the pattern " + pattern.dump() +
                               " cannot be enforced: its repetitions inside repetitions multiply "
                               "to more than " +
                               std::to_string(kMostRepetitions));
    }
    return {};
  }

  static Result<> integer(const Json& schema, const std::string& place) {
    for (const auto& keyword : kTypes[3].keywords) {
      if (!schema.contains(keyword)) continue;
      const Json& bound = schema.at(keyword);
      // Far from where 64-bit arithmetic on bounds would overflow, and exact as a double.
      constexpr double kFarthest = 9007199254740991.0;
      if (!bound.is_number() || std::abs(bound.get<double>()) > kFarthest) {
        return refuse(place, keyword + " is not a number that can be enforced");
      }
    }
    for (const auto& [bound, exclusive] :
         {std::pair{"minimum", "exclusiveMinimum"}, std::pair{"maximum", "exclusiveMaximum"}}) {
      if (schema.contains(bound) && schema.contains(exclusive)) {
        return unenforceable(place, exclusive);
      }
    }
    return {};
  }
};

}  // namespace

Result<> check_schema(std::string_view schema) {
  if (schema.size() > kLongestSchema) {
    return fail(ErrorKind::invalid_argument, "the schema is longer than 128 KiB");
  }
  const Json parsed = Json::parse(schema, nullptr, false);
  if (parsed.is_discarded()) return fail(ErrorKind::invalid_argument, "the schema is not JSON");
  try {
    return Check().node(parsed, "", 0);
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument,
                std::string("the schema is not usable: ") + error.what());
  }
}

}  // namespace quern::inference
