#include "guestapi/ip_address.hpp"

#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

IpAddress ip(std::string_view text) { return parse_ip(text).value(); }

TEST(IpAddress, OneFormForBothFamilies) {
  EXPECT_EQ(ip("10.0.0.1"), ip("::ffff:10.0.0.1"));
  EXPECT_EQ(ip("[fd00::1]"), ip("fd00:0::1"));
  EXPECT_TRUE(is_v4(ip("1.2.3.4")));
  EXPECT_FALSE(is_v4(ip("::1")));
}

TEST(IpAddress, FormsThatResolversReadButWeDoNot) {
  for (const char* text : {"127.1", "0x7f.0.0.1", "2130706433", "010.0.0.1", "fe80::1%eth0", "",
                           "[10.0.0.1]", "1.2.3.4.5", "[::1", "::1]"}) {
    EXPECT_FALSE(parse_ip(text).ok()) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0x", 9)).ok());
}

TEST(IpAddress, PublicIsWhatAnybodyCanReach) {
  for (const char* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                           "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public(ip(text))) << text;
  }
  for (const char* text : {"127.0.0.1",
                           "127.255.255.255",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "0.0.0.0",
                           "100.64.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "fd12::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "64:ff9b::7f00:1",
                           "2002:7f00:1::1",
                           "2001::1",
                           "2001:db8::1",
                           "::127.0.0.1"}) {
    EXPECT_FALSE(is_public(ip(text))) << text;
  }
}

TEST(IpRange, ContainsWhatItsPrefixSays) {
  const IpRange ten = parse_ip_range("10.0.0.0/8").value();
  EXPECT_TRUE(ten.contains(ip("10.255.0.1")));
  EXPECT_FALSE(ten.contains(ip("11.0.0.0")));
  const IpRange odd = parse_ip_range("192.168.4.0/22").value();
  EXPECT_TRUE(odd.contains(ip("192.168.7.255")));
  EXPECT_FALSE(odd.contains(ip("192.168.8.0")));
  EXPECT_TRUE(parse_ip_range("0.0.0.0/0").value().contains(ip("127.0.0.1")));
  EXPECT_FALSE(parse_ip_range("0.0.0.0/0").value().contains(ip("::1")));
  EXPECT_TRUE(parse_ip_range("[fd00::]/8").value().contains(ip("fdff::1")));
  EXPECT_TRUE(parse_ip_range("10.0.0.1").value().contains(ip("10.0.0.1")));
}

TEST(IpRange, RefusesWhatMeansSomethingElseThanItSays) {
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1",
                           "10.0.0.0/8/8", "name/8"}) {
    EXPECT_FALSE(parse_ip_range(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quern::guestapi
