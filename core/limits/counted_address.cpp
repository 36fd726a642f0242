#include "core/limits/counted_address.h"

#include <Poco/Ascii.h>
#include <Poco/String.h>
#include <Poco/UTF8String.h>

#include <algorithm>
#include <optional>

#include "core/limits/calling_code.h"
#include "core/otp/text.h"

namespace otpgw::limits {
namespace {

struct Number {
  std::string digits;         // without + or 00
  bool with_country = false;  // it had one of them
};

// Nothing for what is no phone number. `text` as otp::plain() has it.
std::optional<Number> number_of(std::string_view text) {
  constexpr std::string_view kTrunkZero = "(0)";
  if (text.find_first_not_of("+0123456789 -().") != text.npos) return {};
  const auto first = text.find_first_not_of(" -().");
  if (first == text.npos) return {};
  Number number{.digits = {}, .with_country = text[first] == '+' || text.substr(first).starts_with("00")};
  std::string rest(text.substr(first));
  if (const auto at = rest.find(kTrunkZero); number.with_country && at != rest.npos)
    rest.erase(at, kTrunkZero.size());
  std::ranges::copy_if(rest, std::back_inserter(number.digits),
                       [](char c) { return Poco::Ascii::isDigit(c); });
  if (number.digits.starts_with("00")) number.digits.erase(0, 2);
  if (number.digits.empty()) return {};
  return number;
}

std::string mailbox_of(std::string text, std::size_t at) {
  auto domain = text.substr(at + 1);
  while (domain.ends_with('.') || domain.ends_with(' ')) domain.pop_back();
  text.resize(at);
  if (const auto tag = text.find('+'); tag != text.npos && tag > 0) text.resize(tag);
  text += '@' + domain;
  std::erase(text, ' ');
  return text;
}

// Poco's tables of Unicode take ten times as long as ASCII's, and most addresses are ASCII.
std::string lower_case(const std::string& text) {
  return std::ranges::all_of(text, Poco::Ascii::isAscii) ? Poco::toLower(text) : Poco::UTF8::toLower(text);
}

}  // namespace

std::string counted_address(std::string_view address) {
  auto text = Poco::trim(lower_case(otp::plain(address)));
  if (auto number = number_of(text)) return std::move(number->digits);
  if (const auto at = text.rfind('@'); at != text.npos) return mailbox_of(std::move(text), at);
  return text.empty() ? std::string(address) : text;
}

std::string e164_of(std::string_view address) {
  const auto number = number_of(otp::plain(address));
  if (!number || !number->with_country) return {};
  auto text = '+' + number->digits;
  return is_e164(text) ? text : std::string();
}

}  // namespace otpgw::limits
