// The header, the linker's map and plain C agree.
#include "capi/test_library.hpp"

#include <fstream>
#include <set>
#include <string>
#include <vector>

// In c_program.c.
extern "C" int c_program(const char* options, char* said, size_t capacity);

namespace quern::capi {
namespace {

// The functions' names in lines that begin like this, up to the character that ends them.
std::set<std::string> names_in(const std::string& file, const std::vector<std::string>& beginnings,
                               char end) {
  std::ifstream text(std::string(QUERN_CAPI_SOURCE) + "/" + file);
  std::set<std::string> names;
  for (std::string line; std::getline(text, line);) {
    for (const std::string& beginning : beginnings) {
      if (!line.starts_with(beginning + "quern_")) continue;
      const std::size_t at = beginning.size();
      names.insert(line.substr(at, line.find(end, at) - at));
    }
  }
  return names;
}

TEST(Abi, ExportsWhatTheHeaderDeclares) {
  const auto declared = names_in("quern.h", {"quern_status ", "const char* ", "void "}, '(');
  const auto exported = names_in("exports.map", {"    "}, ';');
  EXPECT_GT(declared.size(), 15U);
  EXPECT_EQ(declared, exported);
}

TEST(Abi, IsPlainC) {
  char said[64] = "";
  EXPECT_EQ(c_program(R"({"fake_script":[{"say":["Hello", " there."],"delay_ms":1}]})", said,
                      sizeof said),
            QUERN_OK);
  EXPECT_STREQ(said, "Hello there.");
}

TEST(Abi, NamesItsStatuses) {
  EXPECT_STREQ(quern_status_name(QUERN_OK), "ok");
  EXPECT_STREQ(quern_status_name(QUERN_NOT_FOUND), "not_found");
  EXPECT_STREQ(quern_status_name(QUERN_INTERNAL), "internal");
  EXPECT_STREQ(quern_status_name(QUERN_CONTEXT_FULL), "context_full");
  EXPECT_STREQ(quern_status_name(QUERN_FORKED), "forked");
  EXPECT_STREQ(quern_status_name(1000), "unknown");
  EXPECT_STREQ(quern_status_name(-1), "unknown");
}

TEST(Abi, OptionsAreChecked) {
  const auto why_not = [](const char* options) {
    quern_engine engine = 1;
    Given why;
    EXPECT_EQ(quern_engine_open(options, &engine, &why.text), QUERN_INVALID_ARGUMENT);
    EXPECT_EQ(engine, 0U);
    return why.str();
  };
  EXPECT_EQ(why_not("x"), "the options is not a JSON object");
  EXPECT_EQ(why_not(R"({"thread":1})"), "thread is not known here");
  EXPECT_EQ(why_not(R"({"fake_script":[{"sya":[]}]})"),
            "fake_script: entry 1: unknown key \"sya\"");
  EXPECT_EQ(quern_engine_open("{}", nullptr, nullptr), QUERN_INVALID_ARGUMENT);
}

TEST_F(Library, ModelsAreLookedForOnce) {
  quern_model again = 0;
  EXPECT_EQ(quern_model_load(engine_, "fake", nullptr, nullptr, &again, nullptr), QUERN_OK);
  Given why;
  quern_model none = 0;
  EXPECT_EQ(quern_model_load(engine_, "/no/such.gguf", nullptr, nullptr, &none, &why.text),
            QUERN_NOT_FOUND);
  EXPECT_EQ(why.str(), "there is no model file /no/such.gguf");
}

}  // namespace
}  // namespace quern::capi
