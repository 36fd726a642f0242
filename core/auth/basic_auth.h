// HTTP Basic authentication (RFC 7617): user = namespace, password = its secret.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"

namespace otpgw::auth {

class BasicAuth {
 public:
  // Keeps hashes of the secrets, not the secrets; the configuration must outlive it.
  explicit BasicAuth(const config::Config& config);

  // Takes the Authorization header's value ("" when absent). The error is the text of a 401. Takes as long
  // for an unknown namespace as for a wrong secret, however many a namespace has, and compares in constant
  // time.
  [[nodiscard]] std::expected<const config::Namespace*, std::string_view> check(
      std::string_view authorization) const;

 private:
  struct Entry {
    const config::Namespace* name_space;
    std::vector<std::string> secret_hashes;  // any of them will do
  };
  std::map<std::string, Entry, std::less<>> entries_;  // by namespace
  std::vector<std::string> decoy_hashes_;              // as many as the namespace with most has
};

}  // namespace otpgw::auth
