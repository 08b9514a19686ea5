// Reads the members of a JSON object one by one; errors name the place: "messages[2].content".
//
//   Members members(object, "messages[2]");
//   const std::string role = TRY(members.text("role")).value_or("user");
//   TRY(members.no_others());
//
// A member that is null reads as absent. `object` outlives the Members.
#pragma once

#include "base/result.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::capi {

// Ordered: a schema's properties are asked of the model as they were written.
using Json = nlohmann::ordered_json;

// invalid_argument for what is no JSON object, larger than 64 MiB or nested deeper than 64.
Result<Json> parse_object(std::string_view text, std::string_view what);

// For descriptions, grammars and answers: never throws, whatever bytes are in it.
std::string to_text(const Json& value);

class Members {
 public:
  // invalid_argument for a value that is no object.
  static Result<Members> of(const Json& value, std::string path);

  // Null when absent or null.
  const Json* get(std::string_view name);
  Result<std::optional<std::string>> text(std::string_view name);
  Result<std::string> required_text(std::string_view name);
  Result<std::optional<bool>> boolean(std::string_view name);
  Result<std::optional<std::uint32_t>> count(std::string_view name);
  Result<std::optional<float>> number(std::string_view name);
  // Null when absent or null.
  Result<const Json*> list(std::string_view name);
  Result<const Json*> object(std::string_view name);
  // Every member that nobody asked for is an error.
  Result<> no_others() const;

  // "messages[0].role"
  std::string path_of(std::string_view name) const;
  Failure wrong(std::string_view name, std::string_view what) const;

 private:
  Members(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {}

  const Json* object_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace quern::capi
