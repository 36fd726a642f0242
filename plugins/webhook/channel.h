// What the gateway is told of this webhook: the kind of channel, the words that pages use, the limits.
#pragma once

#include <string>

#include "otpgw/json_config.hpp"
#include "otpgw/provider.hpp"

namespace otpgw::webhook {

class Channel {
 public:
  // Throws std::invalid_argument that names the key.
  explicit Channel(const JsonConfig& config);

  // The texts live as long as this.
  void describe(otpgw_descriptor& descriptor) const;
  // By SMS, WhatsApp or voice.
  [[nodiscard]] bool reaches_phones() const;
  [[nodiscard]] std::size_t address_bytes_max() const { return address_bytes_max_; }

 private:
  uint32_t kind_, address_bytes_max_, otp_length_max_;
  std::string channel_name_, address_name_, channel_description_, address_description_;
};

}  // namespace otpgw::webhook
