// Whom a client's address counts for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ip/ip.h"

namespace otpgw::limits {

// "203.0.113.7" as it is, "2001:db8:1:2:3::4" as "2001:db8:1:2::/64" (who has one address of such a network
// has all of them), "::ffff:203.0.113.7" as the IPv4 address in it. Nothing when it is no address.
[[nodiscard]] std::optional<std::string> client_network(std::string_view address);
[[nodiscard]] std::string client_network(const ip::Address& address);

}  // namespace otpgw::limits
