// Goal: codes are unbiased, typed codes are understood, and codes at rest are bound to their OTP.
// Method: a chi-squared test over a million generated digits-of-codes; tables of what people type; vaults
// of known keys.

#include "core/otp/code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>

#include "core/otp/text.h"

namespace otpgw::otp {
namespace {

// T10 of the security tests: 10^6 codes, each position's digits uniform with p > 10^-4 (chi-squared, 9
// degrees of freedom: 33.72).
TEST(RandomDigits, AreUniformAtEveryPosition) {
  constexpr int kCodes = 1'000'000, kLength = 6;
  std::array<std::array<int, 10>, kLength> counts{};
  for (int i = 0; i < kCodes; ++i) {
    const auto code = random_digits(kLength);
    for (int p = 0; p < kLength; ++p) ++counts[p][code[p] - '0'];
  }
  for (int p = 0; p < kLength; ++p) {
    double chi_squared = 0;
    for (const int count : counts[p])
      chi_squared += (count - kCodes / 10.0) * (count - kCodes / 10.0) / (kCodes / 10.0);
    EXPECT_LT(chi_squared, 33.72) << "position " << p;
  }
}

// The control: a generator with the classic modulo bias (a byte modulo 10) must fail the same test.
TEST(RandomDigits, AModuloBiasWouldBeSeen) {
  constexpr int kDigits = 1'000'000;
  std::array<int, 10> counts{};
  for (int i = 0; i < kDigits; ++i) ++counts[std::stoi(random_hex(1), nullptr, 16) % 10];
  double chi_squared = 0;
  for (const int count : counts)
    chi_squared += (count - kDigits / 10.0) * (count - kDigits / 10.0) / (kDigits / 10.0);
  EXPECT_GT(chi_squared, 33.72);
}

TEST(RandomHex, HasTheLengthAndDiffers) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_hex(16));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen.begin()->size(), 32u);
}

TEST(NormaliseDigits, UnderstandsWhatPeopleType) {
  for (const char* typed : {"123456", " 123456", "123-456", "123 456", "1 2 3 4 5 6\t", "123\u2013456",
                            "123\u00a0456", "١٢٣٤٥٦", "۱۲۳۴۵۶", "१२३४५६", "１２３４５６", "\u200e123456"}) {
    EXPECT_EQ(normalise_digits(typed), "123456") << typed;
  }
  EXPECT_EQ(normalise_digits("12345x"), "12345x");
  EXPECT_EQ(normalise_digits("é12"), "é12");
  EXPECT_EQ(normalise_digits(""), "");
  EXPECT_EQ(normalise_digits("\xf0\x9f"), "\xf0\x9f");  // cut short: nothing is read beyond the end
}

TEST(Text, CountsCodePointsAndFindsControls) {
  EXPECT_EQ(code_points("aé€😀"), 4u);
  EXPECT_FALSE(has_control("aé€😀 ~"));
  for (const char* bad : {"a\nb", "\t", "\x7f", "\xc2\x85"}) EXPECT_TRUE(has_control(bad));
}

TEST(IsDigits, MeansAsciiDigitsOnly) {
  EXPECT_TRUE(is_digits("000123"));
  EXPECT_FALSE(is_digits(""));
  EXPECT_FALSE(is_digits("12 3"));
  EXPECT_FALSE(is_digits("١٢"));
}

Key key(unsigned char fill) {
  Key made;
  made.fill(fill);
  return made;
}

TEST(Vault, SealsForOneOtpOnly) {
  const CodeVault vault({key(1)});
  const auto sealed = vault.seal("app", "user-1", "354965");
  EXPECT_EQ(sealed.find("354965"), std::string::npos);
  EXPECT_EQ(vault.open("app", "user-1", sealed), "354965");
  EXPECT_EQ(vault.open("app", "user-2", sealed), std::nullopt);
  EXPECT_EQ(vault.open("app2", "user-1", sealed), std::nullopt);
  auto bent = sealed;
  bent.back() ^= 1;
  EXPECT_EQ(vault.open("app", "user-1", bent), std::nullopt);
  EXPECT_EQ(vault.open("app", "user-1", sealed.substr(0, 20)), std::nullopt);
  EXPECT_NE(sealed, vault.seal("app", "user-1", "354965"));  // a nonce of its own each time
}

TEST(Vault, HashesTellNamespaceIdAndCodeApart) {
  const CodeVault vault({key(1)});
  EXPECT_EQ(vault.hash("app", "id", "1"), vault.hash("app", "id", "1"));
  EXPECT_NE(vault.hash("app", "id", "1"), vault.hash("app", "i", "d1"));
  EXPECT_NE(vault.hash("app", "id", "1"), vault.hash("appi", "d", "1"));
}

TEST(Vault, AnotherInstallationsKeyOpensNothing) {
  const CodeVault ours({key(1)}), theirs({key(2)});
  EXPECT_EQ(theirs.open("app", "id", ours.seal("app", "id", "1")), std::nullopt);
  EXPECT_NE(theirs.hash("app", "id", "1"), ours.hash("app", "id", "1"));
  EXPECT_FALSE(theirs.is_view_key("app", "id", ours.view_key("app", "id")));
}

TEST(Vault, ViewKeysOpenOneOtpsPages) {
  const CodeVault vault({key(1)});
  const auto view_key = vault.view_key("app", "id");
  EXPECT_THAT(view_key, testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_TRUE(vault.is_view_key("app", "id", view_key));
  EXPECT_FALSE(vault.is_view_key("app", "i", view_key));
  EXPECT_FALSE(vault.is_view_key("other", "id", view_key));
  for (const auto& wrong : {std::string(), view_key.substr(1), view_key + "0", std::string(32, '0')})
    EXPECT_FALSE(vault.is_view_key("app", "id", wrong));
}

TEST(Vault, AFingerprintTellsKeysApart) {
  EXPECT_EQ(fingerprint(key(1)), fingerprint(key(1)));
  EXPECT_NE(fingerprint(key(1)), fingerprint(key(2)));
  EXPECT_EQ(fingerprint(key(1)).size(), 32u);
}

TEST(Vault, WhatAFormerKeyMadeGoesOn) {
  CodeVault vault({key(1)});
  const auto hash = vault.hash("app", "id", "42"), sealed = vault.seal("app", "id", "42"),
             view_key = vault.view_key("app", "id");
  vault.exchange({key(2), key(1)});
  EXPECT_EQ(vault.keys(), (KeyRing{key(2), key(1)}));
  EXPECT_EQ(vault.open("app", "id", sealed), "42");
  EXPECT_TRUE(vault.is_view_key("app", "id", view_key));
  EXPECT_NE(vault.hash("app", "id", "42"), hash);
  EXPECT_THAT(vault.hashes("app", "id", "42"), testing::ElementsAre(vault.hash("app", "id", "42"), hash));
  EXPECT_NE(vault.view_key("app", "id"), view_key);
  const auto resealed = vault.seal("app", "id", "42");
  vault.exchange({key(2)});
  EXPECT_EQ(vault.open("app", "id", sealed), std::nullopt);
  EXPECT_EQ(vault.open("app", "id", resealed), "42");
  EXPECT_FALSE(vault.is_view_key("app", "id", view_key));
}

// A reader that looks at keys that have been let go reads memory that is somebody else's; a sanitizer sees
// it.
TEST(CodeVault, ReadsOneSetOfKeysToItsEndWhileTheyAreExchanged) {
  CodeVault vault({key(1)});
  const auto sealed = vault.seal("app", "id", "42"), view_key = vault.view_key("app", "id"),
             hash = vault.hash("app", "id", "42");
  std::atomic<bool> done = false;
  std::thread exchanging([&] {
    while (!done) vault.exchange({key(1)});
  });
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(vault.open("app", "id", sealed), "42");
    ASSERT_TRUE(vault.is_view_key("app", "id", view_key));
    ASSERT_THAT(vault.hashes("app", "id", "42"), testing::ElementsAre(hash));
  }
  done = true;
  exchanging.join();
}

}  // namespace
}  // namespace otpgw::otp
