// Which addresses this webhook takes.
#pragma once

#include <optional>
#include <string_view>

#include "otpgw/json_config.hpp"
#include "otpgw/phone.hpp"
#include "otpgw/provider.hpp"
#include "pattern.h"

namespace otpgw::webhook {

// A value; any thread.
class AddressRules {
 public:
  // `for_phones`: the channel reaches phones. Then a number with its country code is normalised also without
  // default_phone_code: the same number in another spelling would be another address to the gateway's limits.
  // Throws std::invalid_argument that names the key.
  AddressRules(const JsonConfig& config, std::size_t bytes_max, bool for_phones);

  // As a person typed it.
  [[nodiscard]] AddressResult validate(std::string_view address) const;

  // As it comes with a job: normalised, or as typed when no worker was there to validate it. A normalised
  // phone number may be longer than the typed one was allowed to be.
  [[nodiscard]] AddressResult validate_again(std::string_view address) const;

 private:
  [[nodiscard]] bool matches(std::string_view address) const;

  std::size_t bytes_max_;
  std::optional<PhoneNumbers> phone_numbers_;
  bool only_phone_numbers_ = false;  // with default_phone_code: nothing else is taken
  Pattern pattern_;
};

}  // namespace otpgw::webhook
