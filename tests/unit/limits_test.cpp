// Goal: windows count as the documentation says, and each event is charged to the counters that it must be.
// Method: the pure parts with the clock in hand, and a fixed key.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/limits/calling_code.h"
#include "core/limits/client_network.h"
#include "core/limits/policy.h"
#include "core/limits/windows.h"

namespace otpgw::limits {
namespace {

using config::Rates;
using std::chrono::hours;
using std::chrono::minutes;

constexpr otp::UnixMs kNow = 1'000'000'000'000;
constexpr int64_t kMinute = 60'000, kHour = 60 * kMinute;
const Rates kRates{{2, minutes{10}}, {3, hours{1}}};

Windows after(int events, otp::UnixMs now = kNow) {
  Windows windows;
  for (int i = 0; i < events; ++i) windows = counted(windows, kRates, now);
  return windows;
}

TEST(Windows, LetsThroughAsManyAsTheRateSays) {
  EXPECT_FALSE(wait_ms({}, kRates, kNow));
  EXPECT_FALSE(wait_ms(after(1), kRates, kNow));
  EXPECT_EQ(wait_ms(after(2), kRates, kNow), 10 * kMinute);
  EXPECT_EQ(wait_ms(after(3), kRates, kNow), kHour);  // the longest of what has been reached
}

TEST(Windows, BeginWithTheFirstEventAndEndWhateverComes) {
  auto windows = counted({}, kRates, kNow);
  windows = counted(windows, kRates, kNow + 9 * kMinute);
  EXPECT_EQ(wait_ms(windows, kRates, kNow + 9 * kMinute), kMinute);
  EXPECT_EQ(wait_ms(windows, kRates, kNow + 10 * kMinute - 1), 1);
  EXPECT_FALSE(wait_ms(windows, kRates, kNow + 10 * kMinute));
  windows = counted(windows, kRates, kNow + 10 * kMinute);  // a new window of the first, still in the second
  EXPECT_EQ(wait_ms(windows, kRates, kNow + 10 * kMinute), 50 * kMinute);
  EXPECT_EQ(ends_at(windows), kNow + kHour);
}

TEST(Windows, ForgetWhatIsNotConfiguredAnyMore) {
  const Rates other{{1, minutes{5}}};
  EXPECT_FALSE(wait_ms(after(3), other, kNow));
  EXPECT_EQ(counted(after(3), other, kNow).size(), 1U);
  EXPECT_FALSE(wait_ms(after(3), {}, kNow));
}

TEST(Windows, OfAClockThatWasWrongShutNobodyOut) {
  const auto from_2038 = after(3, kNow + 12 * 365 * 24 * kHour);
  EXPECT_FALSE(wait_ms(from_2038, kRates, kNow));
  EXPECT_EQ(ends_at(counted(from_2038, kRates, kNow)), kNow + kHour);
}

TEST(Windows, SurviveAsBytes) {
  EXPECT_EQ(decode(encode(after(2))), after(2));
  EXPECT_TRUE(decode("").empty());
  EXPECT_TRUE(decode("what is this").empty());
}

class PolicyTest : public testing::Test {
 protected:
  Policy policy(const config::Limits& limits) const { return {limits, vault_}; }
  static std::vector<Limit> limits_of(const Accounts& accounts) {
    std::vector<Limit> all;
    for (const auto& account : accounts) all.push_back(account.limit);
    return all;
  }
  static otp::Otp to(const std::string& address, const std::string& name_space = "app") {
    otp::Otp otp;
    otp.name_space = name_space;
    otp.to_normalised = address;
    return otp;
  }
  static config::Limits all_limits() {
    config::Limits limits;
    limits.client_sends = limits.namespace_sends = limits.prefix_sends = kRates;
    return limits;
  }
  std::string address_key(const otp::Otp& otp) const { return policy({}).sends(otp).at(0).key; }
  std::string prefix_key(const std::string& number) const {
    auto limits = all_limits();
    limits.address_sends.clear();
    return policy(limits).sends(to(number)).at(1).key;
  }

  const otp::CodeVault vault_{{otp::Key{1, 2, 3}}};
};

TEST_F(PolicyTest, ASendIsChargedToAllThatIsConfigured) {
  using enum Limit;
  auto otp = to("+4915112345678");
  EXPECT_THAT(limits_of(policy({}).sends(otp)), testing::ElementsAre(address_sends));
  EXPECT_THAT(limits_of(policy(all_limits()).sends(otp)),
              testing::ElementsAre(address_sends, namespace_sends, prefix_sends));
  otp.client = policy(all_limits()).client_key("app", "192.0.2.1");
  EXPECT_THAT(limits_of(policy(all_limits()).sends(otp)),
              testing::ElementsAre(address_sends, client_sends, namespace_sends, prefix_sends));
  EXPECT_THAT(limits_of(policy(all_limits()).sends(to("john@doe.example"))),
              testing::ElementsAre(address_sends, namespace_sends));  // no number, no prefix
  config::Limits none;
  none.address_sends.clear();
  EXPECT_TRUE(policy(none).sends(otp).empty());
}

TEST_F(PolicyTest, AnAddressIsTheSameInBothCasesButNotInTwoNamespaces) {
  EXPECT_EQ(address_key(to("John@Doe.example")), address_key(to("john@doe.EXAMPLE")));
  EXPECT_EQ(address_key(to("Ünal@doe.example")), address_key(to("ünal@doe.example")));
  EXPECT_NE(address_key(to("john@doe.example")), address_key(to("john@doe.example", "other")));
  EXPECT_NE(address_key(to("john@doe.example")), policy({}).guesses(to("john@doe.example")).at(0).key);
}

TEST_F(PolicyTest, OfAListEachFormOfTheAddressCountsOnce) {
  auto otp = to("+491");
  otp.fallback.steps = {{"sms", "+491", 0, {}}, {"whatsapp", "+491", 0, {}}, {"hook", "0 1", 0, {}}};
  EXPECT_EQ(policy({}).sends(otp).size(), 2U);
  EXPECT_EQ(policy({}).guesses(otp).size(), 2U);
}

TEST_F(PolicyTest, OfAListEachBeginningOfTheNumberCountsOnce) {
  auto otp = to("whatsapp:someone");
  otp.fallback.steps = {{"whatsapp", "whatsapp:someone", 0, {}},
                        {"sms", "+4915112345678", 0, {}},
                        {"hook", "0049 151 12345678", 0, {}},
                        {"abroad", "+4366012345678", 0, {}},
                        {"national", "015112345678", 0, {}}};
  auto limits = all_limits();
  limits.address_sends.clear();
  EXPECT_THAT(limits_of(policy(limits).sends(otp)),
              testing::ElementsAre(Limit::namespace_sends, Limit::prefix_sends, Limit::prefix_sends));
  EXPECT_EQ(policy(limits).sends(otp).at(1).key, prefix_key("+4915112345678"));
}

TEST_F(PolicyTest, AnAddressThatNobodyNormalisedCountsInNoSpellingOfItsOwn) {
  for (const char* mail : {" a@b.example", "a@b.example.", "a@b.example. ", "A@B.example", "a @ b.example",
                           "\u00a0a@b.example\u3000", "a+one@b.example", "a+@b.example", "a\u200b@b.example",
                           "ａ@b.example", "a＠b.example"})
    EXPECT_EQ(address_key(to(mail)), address_key(to("a@b.example"))) << mail;
  for (const char* number : {"004915112345678", "+49 151 12345678", " +49-151-12345678", "(+49) 151 12345678",
                             "-++49 151 12345678", "+49 (0)151 12345678", "0049 (0) 151.12345678",
                             "4915112345678", "+49\u00a0151\u200912345678", "+49 151 12345678 ",
                             "+٤٩١٥١١٢٣٤٥٦٧٨", "＋４９１５１１２３４５６７８", "+49\u2011151\u201012345678"})
    EXPECT_EQ(address_key(to(number)), address_key(to("+4915112345678"))) << number;
  EXPECT_EQ(address_key(to("0151 123-45678")), address_key(to("(0151)12345678")));
}

TEST_F(PolicyTest, WhatIsAnotherAddressCountsForItself) {
  std::set<std::string> keys;
  const std::vector<std::string> all{"a@b.example",
                                     "b@b.example",
                                     "+tag@b.example",
                                     "a-b@b.example",
                                     "ab@b.example",
                                     "someone",
                                     "some one",
                                     "user@a@b.example",
                                     "015112345678",
                                     "+4915112345678",
                                     "+4915112345679",
                                     "1+2",
                                     "+",
                                     " ",
                                     "\xff\xfe",
                                     "@"};
  for (const auto& address : all) keys.insert(address_key(to(address)));
  EXPECT_EQ(keys.size(), all.size());
}

TEST_F(PolicyTest, AnOtpWithoutAnAddressIsChargedToNone) { EXPECT_TRUE(policy({}).guesses(to("")).empty()); }

TEST_F(PolicyTest, APrefixIsTheBeginningOfTheNumber) {
  EXPECT_EQ(prefix_key("+4915112345678"), prefix_key("+4915112999999"));
  EXPECT_NE(prefix_key("+4915112345678"), prefix_key("+4915113345678"));
}

TEST_F(PolicyTest, TheKeysOfAnAddressAreThoseThatCount) {
  const auto keys = policy({}).keys_of("app", "John@doe.example");
  EXPECT_THAT(keys, testing::ElementsAre(policy({}).sends(to("john@doe.example")).at(0).key,
                                         policy({}).guesses(to("john@doe.example")).at(0).key));
}

TEST_F(PolicyTest, ATagTellsAddressesApartAndNothingElse) {
  const auto tag = address_tag(vault_, "+4915112345678");
  EXPECT_THAT(tag, testing::MatchesRegex("[0-9a-hjkmnp-tv-z]{8}"));
  EXPECT_EQ(address_tag(vault_, "John@doe.example"), address_tag(vault_, "john@doe.example"));
  EXPECT_NE(address_tag(otp::CodeVault({otp::Key{9}}), "+4915112345678"), tag);
  std::set<std::string> tags;
  for (int i = 0; i < 1000; ++i) tags.insert(address_tag(vault_, std::to_string(i)));
  EXPECT_EQ(tags.size(), 1000U);
}

TEST(ClientNetwork, IsTheAddressOrItsNetwork) {
  EXPECT_EQ(client_network("203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(client_network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(client_network("2001:DB8:1:2::ffff"), "2001:db8:1:2::/64");
  EXPECT_EQ(client_network("::ffff:203.0.113.7"), "203.0.113.7");
  EXPECT_EQ(client_network("::1"), "::/64");
  for (const std::string& none :
       {std::string("203.0.113"), std::string("203.0.113.256"), std::string("localhost"), std::string(),
        std::string("1.2.3.4 "), std::string("fe80::1%eth0"), std::string("203.0.113.7\0", 12),
        std::string("203.0.113.7:80"), std::string("[::1]")}) {
    EXPECT_FALSE(client_network(none)) << none;
  }
}

TEST(CallingCode, IsTheCountryCode) {
  EXPECT_EQ(calling_code("+12125551234"), "+1");
  EXPECT_EQ(calling_code("+79161234567"), "+7");
  EXPECT_EQ(calling_code("+4915112345678"), "+49");
  EXPECT_EQ(calling_code("+919876543210"), "+91");
  EXPECT_EQ(calling_code("+35312345678"), "+353");
  EXPECT_EQ(calling_code("+9"), "+9");
  for (const char* none : {"", "+", "4915112345678", "john@doe.example", "+49 151", "+1234567890123456"})
    EXPECT_EQ(calling_code(none), "") << none;
}

}  // namespace
}  // namespace otpgw::limits
