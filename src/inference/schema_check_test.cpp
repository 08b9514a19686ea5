#include "inference/schema_check.hpp"

#include "inference/grammar.hpp"

#include <gtest/gtest.h>

namespace quern::inference {
namespace {

class Accepted : public testing::TestWithParam<const char*> {};
TEST_P(Accepted, BecomesAGrammar) {
  const auto grammar = grammar_of_schema(GetParam());
  ASSERT_TRUE(grammar.ok()) << grammar.error().describe();
  EXPECT_NE(grammar->find("root ::="), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    Schemas, Accepted,
    testing::Values(
        R"({})", R"({"type":"object"})",
        R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})",
        R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}})",
        R"({"type":["string","null"],"maxLength":5})", R"({"enum":["a",1,null]})",
        R"({"const":{"a":[1]}})", R"({"type":"string","enum":["a"]})",
        R"({"anyOf":[{"type":"string"},{"type":"null"}],"description":"x"})",
        R"({"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3})",
        R"({"type":"array","prefixItems":[{"type":"number"},{"type":"string"}]})",
        R"({"type":"string","minLength":2,"maxLength":8})",
        R"({"type":"string","pattern":"^[a-z]{2,3}-[0-9]+$"})",
        R"({"type":"string","pattern":"^([a-z]{1,20}-){1,100}$"})",
        R"({"type":"string","pattern":"^((a*)*b?)*$"})",
        R"({"type":"string","format":"date-time"})", R"({"type":"string","format":"uuid"})",
        R"({"type":"integer","minimum":-3,"maximum":12})",
        R"({"type":"integer","exclusiveMinimum":0})",
        R"({"type":"boolean","title":"t","default":true})",
        R"({"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"})"));

struct Bad {
  const char* schema;
  const char* names;
};
class Refused : public testing::TestWithParam<Bad> {};
TEST_P(Refused, ByName) {
  const auto grammar = grammar_of_schema(GetParam().schema);
  ASSERT_FALSE(grammar.ok()) << GetParam().schema;
  EXPECT_EQ(grammar.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(grammar.error().message().find(GetParam().names), std::string::npos)
      << grammar.error().message();
}
INSTANTIATE_TEST_SUITE_P(
    Schemas, Refused,
    testing::Values(
        Bad{"{", "not JSON"}, Bad{"false", "must be an object"}, Bad{"3", "must be an object"},
        Bad{R"({"oneOf":[{"type":"string"}]})", "oneOf"}, Bad{R"({"allOf":[{}]})", "allOf"},
        Bad{R"({"not":{}})", "not"}, Bad{R"({"if":{},"then":{}})", "if"},
        Bad{R"({"type":"number","minimum":1})", "minimum"},
        Bad{R"({"type":"integer","multipleOf":3})", "multipleOf"},
        Bad{R"({"type":"integer","minimum":1,"exclusiveMinimum":2})", "exclusiveMinimum"},
        Bad{R"({"type":"integer","minimum":1e300})", "minimum"}, Bad{R"({"minimum":1})", "minimum"},
        Bad{R"({"type":"array","uniqueItems":true})", "uniqueItems"},
        Bad{R"({"type":"array","contains":{}})", "contains"},
        Bad{R"({"type":"array","prefixItems":[{}],"minItems":1})", "minItems"},
        Bad{R"({"type":"array","minItems":-1})", "minItems"},
        Bad{R"({"type":"array","maxItems":99999})", "maxItems"},
        Bad{R"({"type":"object","patternProperties":{}})", "patternProperties"},
        Bad{R"({"type":"object","minProperties":1})", "minProperties"},
        Bad{R"({"type":"object","propertyNames":{}})", "propertyNames"},
        Bad{R"({"type":"object","required":["a"]})", "\"a\""},
        Bad{R"({"type":"object","properties":{"a":{"type":"text"}}})", "\"text\""},
        Bad{R"({"type":"string","format":"email"})", "email"},
        Bad{R"({"type":"string","pattern":"abc"})", "pattern"},
        Bad{R"({"type":"string","pattern":"^(?=a)b$"})", "pattern"},
        Bad{R"({"type":"string","pattern":"^a$","maxLength":3})", "pattern"},
        Bad{R"({"type":"string","pattern":"^((((a?){1,50}){1,50}){1,50}){1,50}$"})", "2000"},
        Bad{R"({"type":"string","pattern":"^([a-z]{1,9}-){1,999}$"})", "2000"},
        Bad{R"({"type":"string","contentEncoding":"base64"})", "contentEncoding"},
        Bad{R"({"$ref":"http://elsewhere"})", "$ref"}, Bad{R"({"$ref":"#"})", "$ref"},
        Bad{R"({"$ref":"#/$defs/none"})", "none"},
        Bad{R"({"$ref":"#/$defs/a","type":"string"})", "type"},
        Bad{R"({"anyOf":[{"type":"string"}],"type":"string"})", "type"},
        Bad{R"({"anyOf":[]})", "anyOf"}, Bad{R"({"enum":[]})", "enum"},
        Bad{R"({"type":"string","const":1})", "given type"}, Bad{R"({"type":[]})", "type"},
        Bad{R"({"nullable":true,"type":"string"})", "nullable"}));

TEST(SchemaCheck, DeepAndLongSchemasAreRefused) {
  std::string deep = R"({"type":"string"})";
  for (int i = 0; i < 5000; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_EQ(check_schema(deep).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(check_schema(std::string(1 << 20U, ' ')).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(check_schema(std::string(100000, '[')).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace quern::inference
