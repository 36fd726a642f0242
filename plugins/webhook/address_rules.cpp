#include "address_rules.h"

#include <stdexcept>

namespace otpgw::webhook {
namespace {

// C0, DEL and C1 (U+0080 to U+009F).
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

AddressRules::AddressRules(const JsonConfig& config, std::size_t bytes_max, bool for_phones)
    : bytes_max_(bytes_max), pattern_(config, "address_pattern") {
  const auto code = config.text("default_phone_code");
  only_phone_numbers_ = !code.empty();
  if (!for_phones && !only_phone_numbers_) return;
  try {
    phone_numbers_.emplace(code);
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(std::string("default_phone_code: ") + e.what());
  }
}

AddressResult AddressRules::validate(std::string_view address) const {
  if (address.size() > bytes_max_)
    return AddressResult::too_long("It is longer than " + std::to_string(bytes_max_) + " bytes.");
  return validate_again(address);
}

AddressResult AddressRules::validate_again(std::string_view address) const {
  if (address.empty()) return AddressResult::invalid("It is empty.");
  if (has_control(address)) return AddressResult::invalid("It holds a control character.");
  if (phone_numbers_) {
    auto number = phone_numbers_->validate(address);
    const bool valid = number.verdict == OTPGW_ADDRESS_VALID;
    if (valid ? matches(number.normalised) : only_phone_numbers_) return number;
  }
  if (!only_phone_numbers_ && matches(address)) return AddressResult::valid();
  return AddressResult::invalid("It does not have the form that is expected here.");
}

bool AddressRules::matches(std::string_view address) const {
  return !pattern_.given() || pattern_.is_all_of(address);
}

}  // namespace otpgw::webhook
