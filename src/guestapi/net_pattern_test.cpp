#include "guestapi/net_pattern.hpp"

#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

NetPattern pattern(std::string_view text) { return NetPattern::parse(text).value(); }

TEST(NetPattern, NamesMatchThemselvesOnly) {
  const NetPattern api = pattern("API.Example.com:443");
  EXPECT_TRUE(api.matches_name("api.example.com"));
  EXPECT_FALSE(api.matches_name("x.api.example.com"));
  EXPECT_FALSE(api.matches_name("example.com"));
  EXPECT_TRUE(api.matches_port(443));
  EXPECT_FALSE(api.matches_port(80));
  EXPECT_FALSE(api.matches_address(parse_ip("1.2.3.4").value()));
}

TEST(NetPattern, SuffixesMatchWhatIsBelow) {
  const NetPattern any = pattern("*.example.com:*");
  EXPECT_TRUE(any.matches_name("a.example.com"));
  EXPECT_TRUE(any.matches_name("a.b.example.com"));
  EXPECT_FALSE(any.matches_name("example.com"));
  EXPECT_FALSE(any.matches_name("badexample.com"));
  EXPECT_TRUE(any.matches_port(0) && any.matches_port(65535));
}

TEST(NetPattern, PortsMayBeARange) {
  const NetPattern range = pattern("127.0.0.1:8000-8100");
  EXPECT_TRUE(range.matches_port(8000) && range.matches_port(8100));
  EXPECT_FALSE(range.matches_port(7999) || range.matches_port(8101));
  EXPECT_TRUE(range.matches_address(parse_ip("127.0.0.1").value()));
}

TEST(NetPattern, TheWildcardStopsAtTheBorderOfTheLocalNetwork) {
  const NetPattern all = pattern("*:*");
  EXPECT_TRUE(all.matches_name("example.com"));
  EXPECT_TRUE(all.matches_address(parse_ip("8.8.8.8").value()));
  for (const char* name : {"localhost", "db", "printer.local", "metadata.google.internal",
                           "x.localhost", "nas.home.arpa"}) {
    EXPECT_FALSE(all.matches_name(name)) << name;
  }
  EXPECT_FALSE(all.matches_address(parse_ip("169.254.169.254").value()));
  // Spelt out they are fine.
  EXPECT_TRUE(pattern("localhost:80").matches_name("localhost"));
  EXPECT_TRUE(pattern("[::1]:80").matches_address(parse_ip("::1").value()));
  EXPECT_TRUE(pattern("10.0.0.0/8:5432").matches_address(parse_ip("10.9.8.7").value()));
  EXPECT_TRUE(pattern("[fd00::]/8:5432").matches_address(parse_ip("fd00::7").value()));
}

TEST(NetPattern, RefusesWhatItCannotMean) {
  for (const char* text : {"",
                           "example.com",
                           ":443",
                           "example.com:",
                           "example.com:65536",
                           "example.com:9-1",
                           "example.com:http",
                           "*example.com:443",
                           "a.*.com:443",
                           "*.*:1",
                           "*.:1",
                           "::1:80",
                           "http://example.com:80",
                           "user@example.com:80",
                           "example.com:80-",
                           "10.0.0.1/8:1",
                           "exa mple.com:80",
                           "127.1:80",
                           "[::1:80",
                           "a..b:1",
                           "-1:-1"}) {
    EXPECT_FALSE(NetPattern::parse(text).ok()) << text;
  }
}

TEST(HostPort, NamesAndAddressesInOneForm) {
  EXPECT_EQ(parse_target("Example.COM.:80").value().host, "example.com");
  EXPECT_EQ(parse_target("[::1]:80").value().host, "::1");
  EXPECT_EQ(parse_target("10.0.0.1:80").value().port, 80);
  for (const char* text : {"user@host.com:80", "2130706433:80", "0x7f000001:80", "127.1:80",
                           "host:80:80", "host", "host:", "ho\nst:80", "h\xc3\xb6st.de:80"}) {
    EXPECT_FALSE(parse_target(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern::guestapi
