// [admin]
#include <arpa/inet.h>

#include <array>

#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

bool is_private_ipv4(const std::array<uint8_t, 4>& a) {
  return a[0] == 127 || a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
         (a[0] == 169 && a[1] == 254);
}

bool is_private_ipv6(const std::array<uint8_t, 16>& a) {
  constexpr std::array<uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const bool unique_local = (a[0] & 0xfe) == 0xfc;
  const bool link_local = a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
  return unique_local || link_local || a == kLoopback;
}

// Of a name we can't tell, and of "every address" we know that it is not.
bool is_private(const std::string& host) {
  std::array<uint8_t, 4> ipv4{};
  std::array<uint8_t, 16> ipv6{};
  if (inet_pton(AF_INET, host.c_str(), ipv4.data()) == 1) return is_private_ipv4(ipv4);
  if (inet_pton(AF_INET6, host.c_str(), ipv6.data()) == 1) return is_private_ipv6(ipv6);
  return host == "localhost";
}

}  // namespace

Admin read_admin(const Node& root, Warnings& warnings) {
  const Section section(&root, "admin", "admin");
  Admin admin;
  const Node* value = section.find("address");
  if (value == nullptr) return admin;
  const auto text = as_text(*value).value();
  admin.configured = true;
  admin.enabled = !text.empty();
  if (!admin.enabled) return admin;
  const auto address = parse_host_port(text);
  if (!address)
    section.refuse("address",
                   "expected HOST:PORT like \"127.0.0.1:9001\", or \"\" for none; got " + shown(*value));
  admin.host = address->host;
  admin.port = address->port;
  if (!is_private(admin.host)) {
    warnings.push_back(value->origin.where +
                       ": admin.address: it has no authentication and is not a loopback or private address; "
                       "keep others away from it");
  }
  return admin;
}

}  // namespace otpgw::config
