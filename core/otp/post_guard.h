// limits.ip_posts: how many POSTs to pages may fail for one client. A stranger needs no credentials there, so
// this is what keeps one from trying ids, keys and codes of others by the thousand. Loop's thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace otpgw::otp {

class PostGuard {
 public:
  virtual ~PostGuard() = default;
  // How long this client must wait; nothing when its POST may go on, which end() then must follow. `client`
  // is a client_network(), or empty: nobody is limited there.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> begin(const std::string& client) = 0;
  virtual void end(const std::string& client, bool failed) = 0;
};

}  // namespace otpgw::otp
