// Standard Webhooks (https://www.standardwebhooks.com): three headers by which a receiver knows that a
// request comes from us, is fresh, and is the same as one that it had before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "otpgw/json_config.hpp"

namespace otpgw::webhook {

// A value; any thread.
class Signer {
 public:
  // From the key `secret`: "whsec_" and base64 stands for the bytes that it encodes, any other text for
  // itself. Without it nothing is signed. Throws std::invalid_argument that names the key.
  explicit Signer(const JsonConfig& config);

  [[nodiscard]] bool signs() const { return !key_.empty(); }
  // Shorter than Standard Webhooks asks for.
  [[nodiscard]] bool key_is_short() const;
  [[nodiscard]] std::vector<std::string> headers(std::string_view id, int64_t unix_seconds,
                                                 std::string_view body) const;

 private:
  std::string key_;
};

}  // namespace otpgw::webhook
