// Where a webhook is and who we are there: url, username, password, ca_file.
#pragma once

#include <string>

#include "otpgw/json_config.hpp"

namespace otpgw::webhook {

struct Endpoint {
  std::string url;  // may name fields after its "?"
  std::string username, password;
  std::string ca_file;

  // Codes travel in the clear to another machine.
  [[nodiscard]] bool unencrypted() const;
};

// Throws std::invalid_argument that names the key; a url may hold a key of an account, so it is not repeated.
[[nodiscard]] Endpoint read_endpoint(const JsonConfig& config);

// Throws std::invalid_argument ("url: ...") unless it is http or https with a host, without user information
// and fragment.
void check_url(const std::string& url);

}  // namespace otpgw::webhook
