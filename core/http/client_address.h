// Who asks, when proxies stand between: SECURITY.md's "Client IP".
#pragma once

#include <set>

#include "core/http/message.h"
#include "core/ip/ip.h"

namespace otpgw::http {

// Loop's thread.
class ClientAddresses {
 public:
  // From now on these are the proxies whose X-Forwarded-For counts.
  void trust(ip::Ranges proxies);

  // Fills in the request's `client` and `limit_client`.
  void name_client(Request& request, const ip::Address& peer);
  // Whether connections from there are counted against its share.
  [[nodiscard]] bool is_limited(const ip::Address& peer) const {
    return !unlisted_proxies_.contains(peer) && !contains(trusted_, peer);
  }

 private:
  [[nodiscard]] ip::Address forwarded_for(const Request& request, const ip::Address& peer) const;
  void meet_unlisted_proxy(const ip::Address& peer);

  ip::Ranges trusted_;
  // Loopback and private peers that sent the header without being trusted: they speak for many people, and
  // for which is unknown.
  std::set<ip::Address> unlisted_proxies_;
};

}  // namespace otpgw::http
