#include "inference/grammar.hpp"
#include "inference/schema_check.hpp"

#include <json-schema-to-grammar.h>

namespace quern::inference {

Result<std::string> grammar_of_schema(const std::string& schema) {
  TRY(check_schema(schema));
  try {
    return json_schema_to_grammar(common_json::parse(schema), true);
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument,
                std::string("the schema cannot be enforced: ") + error.what());
  }
}

Result<std::string> grammar_of_json_object() { return grammar_of_schema(R"({"type":"object"})"); }

}  // namespace quern::inference
