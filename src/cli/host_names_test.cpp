#include "cli/host_names.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

TEST(HostNames, LoopbackByItsNames) {
  for (const char* host :
       {"localhost", "LOCALHOST:8080", "localhost.", "app.localhost:1", "127.0.0.1",
        "127.0.0.1:8080", "127.1.2.3", "::1", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(is_loopback_name(host)) << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "127.0.0.256", "127.0.0", "127.evil.0.1", "notlocalhost", "[::1",
                           "0.0.0.0", "[::1].evil.example", "10.0.0.1:8080"}) {
    EXPECT_FALSE(is_loopback_name(host)) << host;
  }
}

TEST(HostNames, AServerOnLoopbackAnswersToItsOwnNames) {
  const HostNames names("127.0.0.1", {"chat.example"});
  EXPECT_TRUE(names.allow("localhost:8080"));
  EXPECT_TRUE(names.allow("127.0.0.1:8080"));
  EXPECT_TRUE(names.allow("Chat.Example:443"));
  EXPECT_TRUE(names.allow(""));
  EXPECT_FALSE(names.allow("evil.example:8080"));
  EXPECT_FALSE(names.allow("evil.chat.example"));
}

TEST(HostNames, AServerForOthersAnswersToAll) {
  EXPECT_TRUE(HostNames("0.0.0.0", {}).allow("anything.example"));
  EXPECT_TRUE(HostNames("127.0.0.1", {"*"}).allow("anything.example"));
}

}  // namespace
}  // namespace quern::cli
