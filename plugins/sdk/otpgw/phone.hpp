// otpgw/phone.hpp: phone numbers as people type them, through Google's libphonenumber (link phonenumber).
#pragma once

#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "otpgw/provider.hpp"

namespace otpgw {

// Takes "+91 98765-43210", "0091 9876543210", "(098) 7654 3210" and the like to E.164. A value; any thread.
class PhoneNumbers {
 public:
  static constexpr std::size_t kTextBytesMax = 64;  // as typed; E.164 has at most 16

  // `default_code`: the country calling code of numbers that are typed without one: "+91" or "91"; empty:
  // every number must have its own. Throws std::invalid_argument with what is wrong with it, without the
  // key's name.
  explicit PhoneNumbers(std::string_view default_code) : region_(region_of(default_code)) {}

  // A number counts as good when its length is possible for its country: the library's data is older than
  // many a number range, so it must not judge further (isPossibleNumber, not isValidNumber).
  [[nodiscard]] AddressResult validate(std::string_view text) const {
    using i18n::phonenumbers::PhoneNumber;
    using i18n::phonenumbers::PhoneNumberUtil;
    if (text.size() > kTextBytesMax) return AddressResult::too_long("This is too long for a phone number.");
    // The library would take letters for digits (1-800-FLOWERS) and read extensions. Digits and spaces of
    // other alphabets it knows.
    const auto typed = [](char c) {
      return std::string_view("+0123456789 -().").find(c) != std::string_view::npos || (c & 0x80) != 0;
    };
    if (text.empty() || !std::ranges::all_of(text, typed))
      return AddressResult::invalid(
          "A phone number has digits, and may have +, spaces, dashes and brackets.");
    std::string number(text);
    // What is dialled before a country code in most of the world; the library knows the default region's
    // only.
    const auto digit = std::min(number.find_first_not_of(" ("), number.size());
    if (number.compare(digit, 2, "00") == 0) number.replace(digit, 2, "+");
    const auto& library = *PhoneNumberUtil::GetInstance();
    PhoneNumber parsed;
    if (library.Parse(number, region_, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
      return AddressResult::invalid(region_ == kUnknownRegion && number.find('+') == number.npos
                                        ? "Begin the phone number with + and its country code."
                                        : "This is not a phone number.");
    switch (library.IsPossibleNumberWithReason(parsed)) {
      case PhoneNumberUtil::IS_POSSIBLE:
        break;
      case PhoneNumberUtil::TOO_SHORT:
      case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
        return AddressResult::invalid("The phone number is too short.");
      case PhoneNumberUtil::TOO_LONG:
        return AddressResult::invalid("The phone number has too many digits.");
      default:
        return AddressResult::invalid("There is no such phone number.");
    }
    std::string e164, country;
    library.Format(parsed, PhoneNumberUtil::E164, &e164);
    library.GetRegionCodeForNumber(parsed, &country);
    // Several countries share a code and the number is in no range that is known: the code's main country.
    if (country == kUnknownRegion) library.GetRegionCodeForCountryCode(parsed.country_code(), &country);
    if (country.size() != 2 || country == kUnknownRegion) country.clear();  // "001": belongs to no country
    return AddressResult::valid(std::move(e164), std::move(country));
  }

 private:
  static constexpr std::string_view kUnknownRegion = "ZZ";

  static std::string region_of(std::string_view code) {
    if (code.starts_with('+')) code.remove_prefix(1);
    if (code.empty()) return std::string(kUnknownRegion);
    std::string region(kUnknownRegion);
    const bool digits =
        code.size() <= 3 && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
    if (digits)
      i18n::phonenumbers::PhoneNumberUtil::GetInstance()->GetRegionCodeForCountryCode(
          std::stoi(std::string(code)), &region);
    if (region == kUnknownRegion || region == "001")
      throw std::invalid_argument("expected a country calling code like \"+91\"");
    return region;
  }

  std::string region_;  // ISO 3166-1 alpha-2
};

}  // namespace otpgw
