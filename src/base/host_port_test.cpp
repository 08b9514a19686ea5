#include "base/host_port.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(HostPort, HasAHostAndAPort) {
  for (const auto& [text, host, port] : {std::tuple{"example.com:80", "example.com", 80},
                                         {"127.0.0.1:0", "127.0.0.1", 0},
                                         {"[::1]:65535", "::1", 65535}}) {
    const Result<HostPort> read = parse_host_port(text);
    ASSERT_TRUE(read.ok()) << read.error().describe();
    EXPECT_EQ(read->host, host);
    EXPECT_EQ(read->port, port);
  }
}

TEST(HostPort, WhatIsNoneIsRefusedByName) {
  for (const auto& [text, why] : {std::pair{"", "must be \"HOST:PORT\""},
                                  {"example.com", "must be \"HOST:PORT\""},
                                  {"example.com:", "must be \"HOST:PORT\""},
                                  {":80", "must be \"HOST:PORT\""},
                                  {"[]:80", "must be \"HOST:PORT\""},
                                  {"[::1]", "must be \"HOST:PORT\""},
                                  {"[::1", "must be \"HOST:PORT\""},
                                  {"[::1]x:80", "must be \"HOST:PORT\""},
                                  {"[name]:80", "must be \"HOST:PORT\""},
                                  {"::1:80", "in brackets"},
                                  {"example.com:65536", "a port, 0 to 65535"},
                                  {"example.com:+1", "a port, 0 to 65535"},
                                  {"example.com:http", "a port, 0 to 65535"}}) {
    const Result<HostPort> read = parse_host_port(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(read.error().message().find(why), std::string::npos) << read.error().message();
    EXPECT_NE(read.error().message().find("\"" + std::string(text) + "\""), std::string::npos);
  }
}

TEST(HostPort, APortMayBeMissingWhereOneOnlySplits) {
  for (const auto& [text, host, port] : {std::tuple{"name", "name", ""},
                                         {"name:", "name", ""},
                                         {"name:80", "name", "80"},
                                         {"[::1]", "[::1]", ""},
                                         {"[::1]:80", "[::1]", "80"},
                                         {"[fd00::]/8:*", "[fd00::]/8", "*"}}) {
    const Result<HostAndPort> parts = split_host_port(text);
    ASSERT_TRUE(parts.ok()) << parts.error().describe();
    EXPECT_EQ(parts->host, host);
    EXPECT_EQ(parts->port, port);
  }
  EXPECT_FALSE(split_host_port("::1").ok());
}

TEST(HostPort, BracketsComeAndGo) {
  EXPECT_EQ(without_brackets("[::1]"), "::1");
  EXPECT_EQ(without_brackets("[::1"), "[::1");
  EXPECT_EQ(without_brackets("["), "[");
  EXPECT_EQ(in_brackets("::1"), "[::1]");
  EXPECT_EQ(in_brackets("[::1]"), "[::1]");
  EXPECT_EQ(in_brackets("name"), "name");
}

}  // namespace
}  // namespace quern
