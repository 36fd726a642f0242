#include "core/limits/client_network.h"

namespace otpgw::limits {

std::string client_network(const ip::Address& address) {
  return address.party().text() + (address.is_ipv4() ? "" : "/64");
}

std::optional<std::string> client_network(std::string_view address) {
  const auto parsed = ip::Address::parse(address);
  return parsed ? std::optional(client_network(*parsed)) : std::nullopt;
}

}  // namespace otpgw::limits
