// otpgw/phone.hpp. Goal: a number that a person can dial becomes E.164 with its country, and what is none
// gets a sentence, however it is typed. Method: tables.
#include "otpgw/phone.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace otpgw {
namespace {

std::string e164(std::string_view default_code, std::string_view typed) {
  const auto result = PhoneNumbers(default_code).validate(typed);
  return result.verdict == OTPGW_ADDRESS_VALID ? result.normalised + " " + result.country : "";
}

TEST(PhoneNumbers, AreReadAsPeopleTypeThem) {
  for (const auto* typed :
       {"9876543210", "098765 43210", "+91 98765-43210", "+919876543210", "0091 98765 43210",
        "(00) 91 9876543210", "(+91) 98765 43210", "98765.43210", " 9876543210 ", "९८७६५४३२१०",
        "９８７６５４３２１０", "\u202A+91 98765\u00A043210\u202C"})
    EXPECT_EQ(e164("+91", typed), "+919876543210 IN") << typed;
}

TEST(PhoneNumbers, KnowTheirCountry) {
  EXPECT_EQ(e164("91", "+1 201 555 0123"), "+12015550123 US");
  EXPECT_EQ(e164("+91", "+1 (809) 555-0101"), "+18095550101 DO");
  EXPECT_EQ(e164("", "+7 701 123 4567"), "+77011234567 KZ");
  EXPECT_EQ(e164("44", "020 7946 0018"), "+442079460018 GB");
  EXPECT_EQ(e164("+1", "201-555-0123"), "+12015550123 US");
  EXPECT_EQ(e164("", "+800 1234 5678"), "+80012345678 ") << "belongs to no country";
}

TEST(PhoneNumbers, OfRangesThatAreNotKnownAreTaken) {
  // No such range in the library's data: possible, not valid.
  EXPECT_EQ(e164("+91", "1234567890"), "+911234567890 IN");
  EXPECT_EQ(e164("+1", "+1 999 999 9999"), "+19999999999 US");
}

TEST(PhoneNumbers, OtherThingsGetASentence) {
  const PhoneNumbers numbers("+91");
  for (const auto* text :
       {"", "+", "12", "5551234", "+999 123 456", "+91 9876543210 9876543210", "1-800-FLOWERS",
        "9876543210 ext 5", "9876543210;ext=5", "tel:+919876543210", "a@b.example", "9876543210,9876543211",
        "+91 +91 9876543210", "\xff\xfe", "日本", "--------", "9876543210\n", " ", "( ("}) {
    const auto result = numbers.validate(text);
    EXPECT_EQ(result.verdict, OTPGW_ADDRESS_INVALID) << text << result.normalised;
    EXPECT_FALSE(result.sentence.empty()) << text;
    EXPECT_TRUE(result.normalised.empty()) << text;
  }
  EXPECT_EQ(numbers.validate(std::string(65, '9')).verdict, OTPGW_ADDRESS_TOO_LONG);
  EXPECT_EQ(PhoneNumbers("").validate("9876543210").sentence,
            "Begin the phone number with + and its country code.");
}

TEST(PhoneNumbers, AreTheirOwnNormalForm) {
  const PhoneNumbers numbers("+1");
  EXPECT_EQ(numbers.validate("+919876543210").normalised, "+919876543210");
  EXPECT_EQ(numbers.validate("+80012345678").normalised, "+80012345678");
}

TEST(PhoneNumbers, RefuseADefaultThatIsNoCode) {
  for (const auto* code : {"abc", "+9999", "999", "800", "+1 ", "IN", "-1"})
    EXPECT_THROW(PhoneNumbers{code}, std::invalid_argument) << code;
}

TEST(PhoneNumbers, ServeSeveralThreads) {
  const PhoneNumbers numbers("+91");
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) right += numbers.validate("098765 43210").normalised == "+919876543210";
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 2000);
}

}  // namespace
}  // namespace otpgw
