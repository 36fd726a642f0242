// The keys of the AWS section, checked.
#pragma once

#include <string>

#include "otpgw/json_config.hpp"

namespace otpgw::pinpoint {

enum class Api {
  pinpoint,  // Amazon Pinpoint's SendMessages
  sms_voice  // AWS End User Messaging's SendTextMessage
};

struct Settings {
  Api api = Api::pinpoint;
  std::string endpoint;  // "https://HOST" or "https://HOST:PORT"
  std::string region, access_key, secret_key;
  std::string application_id;  // of Api::pinpoint
  std::string message_type, sender_id, entity_id, template_id;
  // Of Api::sms_voice; `origination_identity` falls back to the sender id.
  std::string origination_identity, configuration_set, max_price;
  bool dry_run = false;

  // Codes travel in the clear.
  [[nodiscard]] bool unencrypted() const { return endpoint.starts_with("http:"); }
};

// Throws std::invalid_argument: "KEY: what is wrong". No value stands in it.
[[nodiscard]] Settings read_settings(const JsonConfig& config);

}  // namespace otpgw::pinpoint
