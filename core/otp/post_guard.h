// limits.ip_posts: how many POSTs to pages may fail for one client. A stranger needs no credentials there, so
// this is what keeps one from trying ids, keys and codes of others by the thousand. Loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace otpgw::otp {

class PostGuard {
 public:
  virtual ~PostGuard() = default;
  // How long this client must wait; nothing when its POST may go on, which end() then must follow. `client`
  // is a client_network(), or empty: nobody is limited there.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> begin(const std::string& client) = 0;
  // `done` once it is counted, perhaps before the call returns: who has the answer to a POST that failed
  // finds the next one counted with it.
  virtual void end(std::string client, bool failed, std::move_only_function<void()> done) = 0;
};

}  // namespace otpgw::otp
