#include "core/limits/client_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <span>

namespace otpgw::limits {
namespace {

constexpr std::size_t kNetworkBytes = 8;  // /64

template <std::size_t N>
std::string text_of(int family, const std::array<unsigned char, N>& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

}  // namespace

std::optional<std::string> client_network(std::string_view address) {
  const std::string text(address);  // may hold a NUL, where inet_pton would stop
  if (text.find('\0') != std::string::npos) return {};
  std::array<unsigned char, 4> ipv4{};
  if (inet_pton(AF_INET, text.c_str(), ipv4.data()) == 1) return text_of(AF_INET, ipv4);
  std::array<unsigned char, 16> ipv6{};
  if (inet_pton(AF_INET6, text.c_str(), ipv6.data()) != 1) return {};
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::ranges::equal(kMapped, std::span(ipv6).first<12>())) {
    std::copy(ipv6.begin() + 12, ipv6.end(), ipv4.begin());
    return text_of(AF_INET, ipv4);
  }
  std::fill(ipv6.begin() + kNetworkBytes, ipv6.end(), 0);
  return text_of(AF_INET6, ipv6) + "/64";
}

}  // namespace otpgw::limits
