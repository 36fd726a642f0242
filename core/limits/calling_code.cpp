#include "core/limits/calling_code.h"

#include <algorithm>
#include <array>

#include "core/otp/code.h"

namespace otpgw::limits {
namespace {

constexpr std::size_t kDigitsMax = 15;

// ITU-T E.164: codes of one digit and of two; all others have three.
constexpr std::array<std::string_view, 2> kOneDigit = {"1", "7"};
constexpr std::array<std::string_view, 44> kTwoDigits = {
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
    "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"};

}  // namespace

bool is_e164(std::string_view address) {
  return address.size() > 1 && address.size() <= kDigitsMax + 1 && address[0] == '+' &&
         otp::is_digits(address.substr(1));
}

std::string_view calling_code(std::string_view address) {
  if (!is_e164(address)) return {};
  const auto digits = address.substr(1);
  if (std::ranges::count(kOneDigit, digits.substr(0, 1)) > 0) return address.substr(0, 2);
  if (std::ranges::count(kTwoDigits, digits.substr(0, 2)) > 0) return address.substr(0, 3);
  return address.substr(0, 4);
}

}  // namespace otpgw::limits
