// Where Kaleyra's API is and who we are there: what both providers' sections have in common.
#pragma once

#include <string>

#include "otpgw/http.hpp"
#include "otpgw/json_config.hpp"
#include "otpgw/phone.hpp"

namespace otpgw::kaleyra {

// A value; any thread.
class Account {
 public:
  // From host, scheme, sid, api_key, sender and default_phone_code. Throws std::invalid_argument that names
  // the key.
  explicit Account(const JsonConfig& config);

  // A message with `form` as its content.
  [[nodiscard]] http::Request request(std::string form) const;
  [[nodiscard]] const std::string& sender() const { return sender_; }
  [[nodiscard]] const PhoneNumbers& phone_numbers() const { return phone_numbers_; }
  // Codes travel in the clear to another machine.
  [[nodiscard]] bool unencrypted() const;

 private:
  const std::string scheme_, host_, sid_, api_key_, sender_;
  const PhoneNumbers phone_numbers_;
};

// The text of `key`, or nothing. Throws std::invalid_argument when it can't be an id or a name at Kaleyra's.
[[nodiscard]] std::string read_name(const JsonConfig& config, const std::string& key);
// The same for a key that must be there.
[[nodiscard]] std::string read_required_name(const JsonConfig& config, const std::string& key);

}  // namespace otpgw::kaleyra
