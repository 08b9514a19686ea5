// Names, references and the list of models that is built in.
#include "catalog/reference.hpp"

#include "catalog/entries.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace quern::catalog {
namespace {

TEST(Entries, the_built_in_list_holds_what_it_must) {
  const Entries entries = Entries::built_in();
  EXPECT_GE(entries.models.size(), 10U);
  for (const std::string& name : entries.defaults) {
    ASSERT_NE(entries.find(name), nullptr) << name;
    EXPECT_TRUE(entries.find(name)->instruct);
  }
  std::vector<std::string> names;
  for (const ModelEntry& entry : entries.models) {
    names.push_back(entry.name);
    for (const std::string& alias : entry.aliases) names.push_back(alias);
    EXPECT_TRUE(is_store_name(entry.name)) << entry.name;
    EXPECT_FALSE(entry.licence.empty() || entry.licence_url.empty()) << entry.name;
    for (const std::string& source : entry.sources) {
      const bool well_formed = kind_of(source) == ReferenceKind::pypi
                                   ? WheelMember::parse(source).ok()
                                   : HubFile::parse(source).ok();
      EXPECT_TRUE(well_formed) << source;
    }
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end())
      << "one name for two models";
  EXPECT_EQ(entries.find("GEMMA")->name, "gemma-3-1b-it");
}

TEST(References, store_names_are_safe_and_distinct) {
  EXPECT_NE(store_name("https://a.test/m.gguf"), store_name("https://b.test/m.gguf"));
  for (const char* url : {"https://a/..", "https://a/%2e%2e/..%2f", "hub:o/r", "https://a/",
                          "https://a/.x", "https://a/-x.gguf"}) {
    EXPECT_TRUE(is_store_name(store_name(url))) << store_name(url);
  }
  EXPECT_TRUE(is_store_name(store_name("https://a/" + std::string(1000, 'x'))));
  for (const char* name : {"", ".", "..", "a/b", "../a", ".hidden", "-flag", "a b", "a\n"}) {
    EXPECT_FALSE(is_store_name(name)) << name;
  }
}

TEST(References, a_file_is_told_from_a_name_by_its_ending_or_a_slash) {
  for (const char* text : {"m.gguf", "stories15M.bin", "./m", "/w/m"}) {
    EXPECT_EQ(kind_of(text), ReferenceKind::file) << text;
  }
  EXPECT_EQ(kind_of("smollm2-135m-instruct"), ReferenceKind::name);
}

TEST(References, malformed_ones_are_refused) {
  for (const char* text :
       {"hub:", "hub:o", "hub:o/", "hub:o/../x", "hub:/r", "hub:o/r?x", "hub:o/r/a b"}) {
    EXPECT_FALSE(HubFile::parse(text).ok()) << text;
  }
  for (const char* text : {"pypi:", "pypi:a/b", "pypi:a==1", "pypi:a==/b", "pypi:==1/b",
                           "pypi:a/==1/b", "pypi:../a==1/b", "pypi:a==1/b + x"}) {
    EXPECT_FALSE(WheelMember::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern::catalog
