#include "apphost/open_paths.hpp"

#include <gtest/gtest.h>

namespace quern::apphost {
namespace {

const std::vector<std::string> kOpen = {"/", "/health", "/assets/*"};

TEST(OpenPaths, ExactOnesAndPrefixes) {
  for (const char* target : {"/", "/?q=1", "/health", "/health?x", "/assets/a.js", "/assets/"}) {
    EXPECT_TRUE(is_open("GET", target, kOpen)) << target;
  }
  for (const char* target :
       {"/v1/models", "/healthy", "/health/", "/assets", "", "*", "health", "http://h/health"}) {
    EXPECT_FALSE(is_open("GET", target, kOpen)) << target;
  }
}

TEST(OpenPaths, WhatMayBeReadAsAnotherPathIsClosed) {
  for (const char* target :
       {"/assets/../v1/chat/completions", "/assets/..", "/assets/%2e%2e/v1/chat", "/assets//v1",
        "/assets/\\..\\v1", "//", "/assets/a%2fb"}) {
    EXPECT_FALSE(is_open("GET", target, kOpen)) << target;
  }
  EXPECT_TRUE(is_open("GET", "/assets/a.js?next=/../x%20", kOpen));
}

TEST(OpenPaths, AnEntryMayBeForOneMethod) {
  const std::vector<std::string> open = {"OPTIONS /v1/*"};
  EXPECT_TRUE(is_open("OPTIONS", "/v1/models", open));
  EXPECT_FALSE(is_open("POST", "/v1/models", open));
  EXPECT_FALSE(is_open("options", "/v1/models", open));
  EXPECT_FALSE(is_open("OPTIONS", "OPTIONS /v1/models", open));
}

TEST(OpenPaths, NothingIsOpenByDefault) { EXPECT_FALSE(is_open("GET", "/", {})); }

}  // namespace
}  // namespace quern::apphost
