// Who asks behind proxies. Goal: nobody but a trusted proxy can say so, and what a client writes into the
// header moves neither its own name nor anybody's limit. Method: tables of peers and headers.

#include "core/http/client_address.h"

namespace otpgw::http {
namespace {

struct Named {
  std::string client;
  bool limited;
  bool operator==(const Named&) const = default;
};

class ClientAddress : public testing::Test {
 protected:
  ClientAddress() {
    addresses_.trust({*ip::Range::parse("10.0.0.0/8"), *ip::Range::parse("2001:db8:aa::/48")});
  }

  Named named(std::string_view peer, const std::vector<std::string_view>& headers = {}) {
    Request request;
    for (const auto value : headers) request.headers.emplace_back("x-forwarded-for", value);
    addresses_.name_client(request, ip::Address::parse(peer).value());
    return {request.client.text(), request.limit_client};
  }

  ClientAddresses addresses_;
};

TEST_F(ClientAddress, ThePeerIsTheClientWithoutProxies) {
  EXPECT_EQ(named("192.0.2.1"), (Named{"192.0.2.1", true}));
  EXPECT_EQ(named("2001:db8::1"), (Named{"2001:db8::1", true}));
}

TEST_F(ClientAddress, AStrangersHeaderCountsForNothing) {
  EXPECT_EQ(named("192.0.2.1", {"198.51.100.7"}), (Named{"192.0.2.1", true}));
  EXPECT_EQ(named("192.0.2.1", {"10.0.0.1"}), (Named{"192.0.2.1", true}));
}

TEST_F(ClientAddress, ATrustedProxysHeaderIsReadFromTheRight) {
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("10.0.0.1", {"1.1.1.1, 2.2.2.2,198.51.100.7"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("10.0.0.1", {"1.1.1.1,198.51.100.7 , 10.0.0.2,\t10.0.0.3"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("2001:db8:aa::1", {"2001:db8::7"}), (Named{"2001:db8::7", true}));
  // Several headers are one list.
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7", "10.0.0.2"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("10.0.0.1", {"1.1.1.1", "198.51.100.7"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7, ,"}), (Named{"198.51.100.7", true}));
}

TEST_F(ClientAddress, EntriesMayHaveAPort) {
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7:4711"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("10.0.0.1", {"[2001:db8::7]:4711"}), (Named{"2001:db8::7", true}));
  EXPECT_EQ(named("10.0.0.1", {"[2001:db8::7]"}), (Named{"2001:db8::7", true}));
}

TEST_F(ClientAddress, WhatIsNoAddressEndsTheSearchAtWhoPassedItOn) {
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7, unknown"}), (Named{"10.0.0.1", false}));
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7, [::1, 10.0.0.9"}), (Named{"10.0.0.9", false}));
  EXPECT_EQ(named("10.0.0.1", {"198.51.100.7, [, 10.0.0.9"}), (Named{"10.0.0.9", false}));
}

TEST_F(ClientAddress, AProxyThatAsksForItselfHasNoLimit) {
  EXPECT_EQ(named("10.0.0.1"), (Named{"10.0.0.1", false}));
  EXPECT_EQ(named("10.0.0.1", {""}), (Named{"10.0.0.1", false}));
  EXPECT_EQ(named("10.0.0.1", {"10.0.0.3, 10.0.0.2"}), (Named{"10.0.0.3", false}));
}

TEST_F(ClientAddress, AnUnlistedPrivateProxySwitchesItsOwnLimitOff) {
  EXPECT_EQ(named("127.0.0.1"), (Named{"127.0.0.1", true}));
  EXPECT_EQ(named("127.0.0.1", {"198.51.100.7"}), (Named{"127.0.0.1", false}));
  EXPECT_EQ(named("127.0.0.1"), (Named{"127.0.0.1", false}));  // and stays so
  EXPECT_EQ(named("127.0.0.2"), (Named{"127.0.0.2", true}));   // for itself alone
  EXPECT_EQ(named("192.168.0.1", {"127.0.0.1"}), (Named{"192.168.0.1", false}));
  addresses_.trust({*ip::Range::parse("127.0.0.1")});
  EXPECT_EQ(named("127.0.0.1", {"198.51.100.7"}), (Named{"198.51.100.7", true}));
  EXPECT_EQ(named("192.168.0.1"), (Named{"192.168.0.1", true}));  // it has not sent one since
}

TEST_F(ClientAddress, NotEveryPrivateAddressIsAForgottenProxy) {
  for (int i = 0; i < 100; ++i) (void)named("192.168.1." + std::to_string(i), {"1.1.1.1"});
  EXPECT_EQ(named("192.168.1.0"), (Named{"192.168.1.0", false}));
  EXPECT_EQ(named("192.168.1.99", {"1.1.1.1"}), (Named{"192.168.1.99", true}));
}

}  // namespace
}  // namespace otpgw::http
