#include "catalog/python_index.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::catalog {
namespace {

constexpr std::string_view kFile = "p-1-py3-none-any.whl";

// Where the wheel lies that the page at `address` links to as FOLDER/p-1-py3-none-any.whl.
std::string found(const std::string& address, const std::string& folder) {
  FakeNetwork network;
  network.set("https://index.test/simple/p/",
              {.body = "<a href=\"" + folder + std::string(kFile) + "\">p</a>",
               .content_type = "text/html",
               .redirected_to = address});
  const auto wheel = find_wheel(network, "https://index.test/simple",
                                {.package = "p", .version = "1", .member = "m"}, {});
  if (!wheel.ok()) return wheel.error().describe();
  EXPECT_TRUE(wheel->url.ends_with(kFile)) << wheel->url;
  return wheel->url.substr(0, wheel->url.size() - kFile.size());
}

TEST(PythonIndex, ALinkIsReadFromThePageThatItStandsOn) {
  const std::string page = "https://index.test/simple/p/";
  EXPECT_EQ(found(page, ""), "https://index.test/simple/p/");
  EXPECT_EQ(found(page, "f/"), "https://index.test/simple/p/f/");
  EXPECT_EQ(found(page, "../../f/"), "https://index.test/f/");
  EXPECT_EQ(found(page, "/f/"), "https://index.test/f/");
  EXPECT_EQ(found(page, "//files.test/f/"), "https://files.test/f/");
  EXPECT_EQ(found(page, "http://files.test/f/"), "http://files.test/f/");
}

TEST(PythonIndex, NoLinkLeadsAboveTheHost) {
  EXPECT_EQ(found("https://index.test/p/", "../../../f/"), "https://index.test/f/");
  EXPECT_EQ(found("https://index.test", "../f/"), "https://index.test/f/");
}

TEST(PythonIndex, ARedirectMayEndAtAHostAlone) {
  EXPECT_EQ(found("https://mirror.test", "f/"), "https://mirror.test/f/");
  EXPECT_EQ(found("https://mirror.test", "/f/"), "https://mirror.test/f/");
  EXPECT_EQ(found("https://mirror.test:8443", ""), "https://mirror.test:8443/");
}

TEST(PythonIndex, WhatAQueryHoldsIsNoPath) {
  EXPECT_EQ(found("https://mirror.test?from=/simple/p/", "f/"), "https://mirror.test/f/");
  EXPECT_EQ(found("https://mirror.test/s/p?from=/a/b/", "f/"), "https://mirror.test/s/f/");
  EXPECT_EQ(found("https://mirror.test/p/", "/get?of=http://other.test/"),
            "https://mirror.test/get?of=http://other.test/");
}

}  // namespace
}  // namespace quern::catalog
