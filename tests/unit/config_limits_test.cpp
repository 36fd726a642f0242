// Goal: [limits] means what it says, and what is none of it ends the start. Method: load() on small files.

#include <gmock/gmock.h>

#include "config_fixture.h"

namespace otpgw::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string with(const std::string& lines) {
  return std::string(kAuth) + kConsole + "[limits]\n" + lines + "\n";
}

TEST_F(ConfigTest, LimitsAreOnByDefault) {
  const auto limits = loaded(std::string(kAuth) + kConsole).limits;
  EXPECT_TRUE(limits.enforce);
  EXPECT_EQ(limits.address_sends, (Rates{{5, minutes{10}}, {20, hours{24}}}));
  EXPECT_EQ(limits.address_guesses, (Rates{{20, hours{24}}}));
  EXPECT_EQ(limits.ip_posts, (Rates{{60, minutes{1}}}));
  EXPECT_TRUE(limits.client_sends.empty() && limits.namespace_sends.empty() && limits.prefix_sends.empty() &&
              limits.countries.empty());
  EXPECT_EQ(limits.resend_cooldown, seconds{30});
}

TEST_F(ConfigTest, LimitsAreListsOfCountAndPeriod) {
  const auto limits = loaded(with("address_sends = [\"3/1m30s\", \"1000000000/744h\"]\naddress_guesses = []\n"
                                  "prefix_sends = \"7/1h, 9/2h\"\nprefix_digits = 5\nmode = \"monitor\"\n"
                                  "countries = [\"DE\", \"IN\"]\nresend_cooldown = 0"))
                          .limits;
  EXPECT_EQ(limits.address_sends, (Rates{{3, seconds{90}}, {1'000'000'000, hours{744}}}));
  EXPECT_TRUE(limits.address_guesses.empty());
  EXPECT_EQ(limits.prefix_sends, (Rates{{7, hours{1}}, {9, hours{2}}}));  // as from the environment
  EXPECT_EQ(limits.prefix_digits, 5);
  EXPECT_FALSE(limits.enforce);
  EXPECT_THAT(limits.countries, testing::ElementsAre("DE", "IN"));
  EXPECT_EQ(limits.resend_cooldown.count(), 0);
}

TEST_F(ConfigTest, WhatIsNoRateIsRefused) {
  for (const char* rate : {"5", "5/", "/10m", "0/10m", "-1/10m", "5 /10m", "5/0s", "5/999ms", "5/745h",
                           "1000000001/1h", "5/10m/1h", "five/10m", ""}) {
    EXPECT_TRUE(refusal(with("client_sends = [\"" + std::string(rate) + "\"]"))
                    .starts_with("config.toml:8: limits.client_sends: expected texts like \"5/10m\""))
        << rate;
  }
  EXPECT_THAT(refusal(with("ip_posts = [\"5/1m\", \"6/60s\"]")),
              testing::HasSubstr("expected each time once"));
  EXPECT_THAT(refusal(with("ip_posts = \"1/1s,1/2s,1/3s,1/4s,1/5s\"")),
              testing::HasSubstr("expected at most 4 texts"));
  EXPECT_THAT(refusal(with("mode = \"off\"")),
              testing::HasSubstr("expected one of \"enforce\", \"monitor\""));
  for (const char* country : {"de", "DEU", "D", "Germany", "", "UK", "XX", "D "}) {
    EXPECT_THAT(refusal(with("countries = [\"" + std::string(country) + "\"]")),
                testing::HasSubstr("expected two capital letters"))
        << country;
  }
}

TEST_F(ConfigTest, SendingToPhonesOfAllCountriesWarns) {
  const std::string sms = "[providers.kaleyra_sms]\nenabled = true\n";
  const std::string voice =
      "[webhooks.call]\nenabled = true\nurl = \"https://a.example\"\nchannel_kind = \"voice\"\n";
  for (const auto& [section, name] : {std::pair{sms, "providers.kaleyra_sms"}, {voice, "webhooks.call"}}) {
    EXPECT_THAT(warnings(kAuth + section),
                testing::ElementsAre("config.toml: limits.countries: not set, so " + std::string(name) +
                                     " sends to all countries, also dear ones that you have no users in"));
    EXPECT_TRUE(warnings(kAuth + section + "[limits]\ncountries = [\"IN\"]\n").empty());
  }
  EXPECT_TRUE(warnings(std::string(kAuth) + kConsole + "[providers.kaleyra_sms]\nenabled = false\n").empty());
}

}  // namespace
}  // namespace otpgw::config
