// Which JSON Schemas can be enforced while an answer is sampled.
//
// llama.cpp turns a schema into a grammar and passes over what it does not know, so an answer could
// break a rule that the caller believes in. Here every keyword is on a list or the schema is
// refused by that keyword's name. Supported is what OpenAI's strict mode has, and more:
//
//   type (also a list), enum, const, anyOf, $ref to #/$defs/... or #/definitions/...
//   object:  properties, required, additionalProperties
//   array:   items, minItems, maxItems; or prefixItems (exactly these)
//   string:  minLength, maxLength; or pattern (anchored); or format date, time, date-time, uuid
//   integer: minimum, maximum, exclusiveMinimum, exclusiveMaximum
//   and what only describes: title, description, default, examples, deprecated, $comment, $schema,
//   $id
#pragma once

#include "base/result.hpp"

#include <string_view>

namespace quern::inference {

// invalid_argument: not JSON, not a schema, or a rule that cannot be enforced, with its place.
Result<> check_schema(std::string_view schema);

}  // namespace quern::inference
