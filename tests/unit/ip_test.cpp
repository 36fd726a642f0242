// IP addresses and ranges. Goal: each spelling of an address is one value, and a range holds exactly the
// addresses that begin with its bits. Method: tables.

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/ip/ip.h"

namespace otpgw::ip {
namespace {

Address address(std::string_view text) { return Address::parse(text).value(); }

TEST(IpAddress, SpellingsOfOneAddressAreOneValue) {
  EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
  EXPECT_EQ(address("2001:DB8:0:0::1"), address("2001:db8::1"));
  EXPECT_EQ(address("::ffff:192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8:0:0::1").text(), "2001:db8::1");
  EXPECT_NE(address("::192.0.2.1"), address("192.0.2.1"));
}

TEST(IpAddress, WhatIsNoAddressIsNone) {
  for (const std::string_view text : {"", "localhost", "192.0.2", "192.0.2.256", "192.0.2.1:80", "192.0.2.01",
                                      "[::1]", "fe80::1%eth0", " ::1", "1", "0x7f.0.0.1", "2001:db8::1::2",
                                      "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view("192.0.2.1\0", 10)));
}

TEST(IpAddress, OfASocket) {
  sockaddr_storage storage{};
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
  ipv4.sin_family = AF_INET;
  inet_pton(AF_INET, "192.0.2.1", &ipv4.sin_addr);
  EXPECT_EQ(Address::of(storage), address("192.0.2.1"));
  storage = {};
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  ipv6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:192.0.2.1", &ipv6.sin6_addr);  // what a dual-stack socket says
  EXPECT_EQ(Address::of(storage), address("192.0.2.1"));
  inet_pton(AF_INET6, "2001:db8::1", &ipv6.sin6_addr);
  EXPECT_EQ(Address::of(storage), address("2001:db8::1"));
}

TEST(IpAddress, PrivateOnes) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255",
                           "192.168.7.7", "169.254.1.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(address(text).is_private()) << text;
  }
  for (const char* text : {"0.0.0.0", "8.8.8.8", "172.15.0.1", "172.32.0.1", "192.167.0.1", "::", "::2",
                           "2001:db8::1", "fec0::1"}) {
    EXPECT_FALSE(address(text).is_private()) << text;
  }
}

TEST(IpAddress, APartyIsAnAddressOrA64) {
  EXPECT_EQ(address("192.0.2.1").party(), address("192.0.2.1"));
  EXPECT_NE(address("192.0.2.1").party(), address("192.0.2.2").party());
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").party(), address("2001:db8:1:2::").party());
  EXPECT_NE(address("2001:db8:1:2::1").party(), address("2001:db8:1:3::1").party());
}

TEST(IpRange, HoldsWhatBeginsWithItsBits) {
  const auto holds = [](const char* range, const char* text) {
    return Range::parse(range).value().contains(address(text));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
  EXPECT_TRUE(holds("10.9.9.9/8", "10.255.1.2"));  // bits behind the prefix don't count
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1/32", "192.0.2.0"));
  EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("::/0", "8.8.8.8"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_TRUE(holds("::1", "::1"));
}

TEST(IpRange, WhatIsNoRangeIsNone) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
                           "::/129", "10.0.0.0/255.0.0.0", "10.0.0.0/8/8", "all"}) {
    EXPECT_FALSE(Range::parse(text)) << text;
  }
}

TEST(IpRange, Everybody) {
  for (const char* text : {"0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"}) {
    EXPECT_TRUE(Range::parse(text).value().is_everybody()) << text;
  }
  for (const char* text : {"0.0.0.0/1", "::/1", "0.0.0.0", "2001:db8::/96"}) {
    EXPECT_FALSE(Range::parse(text).value().is_everybody()) << text;
  }
}

}  // namespace
}  // namespace otpgw::ip
