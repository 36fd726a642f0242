#include "core/ip/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace otpgw::ip {
namespace {

constexpr std::array<uint8_t, 12> kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kIpv4At = kIpv4Prefix.size();
constexpr unsigned kBits = 128;
constexpr unsigned kIpv4Bits = 32;
constexpr std::size_t kPartyBytes = 8;  // /64

const Ranges& private_ranges() {
  static const Ranges ranges = [] {
    Ranges all;
    for (const char* text : {"127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                             "169.254.0.0/16", "fc00::/7", "fe80::/10"}) {
      all.push_back(Range::parse(text).value());
    }
    return all;
  }();
  return ranges;
}

}  // namespace

Address Address::of(const sockaddr_storage& socket) {
  Address address;
  if (socket.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(socket).sin_addr;
    std::ranges::copy(kIpv4Prefix, address.bytes_.begin());
    std::copy_n(reinterpret_cast<const uint8_t*>(&ipv4), sizeof ipv4, address.bytes_.begin() + kIpv4At);
  } else if (socket.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(socket).sin6_addr;
    std::copy_n(ipv6.s6_addr, sizeof ipv6, address.bytes_.begin());
  }
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
  terminated[text.copy(terminated, text.size())] = '\0';
  Address address;
  if (inet_pton(AF_INET, terminated, address.bytes_.data() + kIpv4At) == 1) {
    std::ranges::copy(kIpv4Prefix, address.bytes_.begin());
    return address;
  }
  if (inet_pton(AF_INET6, terminated, address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN];
  return is_ipv4() ? inet_ntop(AF_INET, bytes_.data() + kIpv4At, text, sizeof text)
                   : inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
}

bool Address::is_ipv4() const { return std::ranges::equal(kIpv4Prefix, std::span(bytes_).first<kIpv4At>()); }

bool Address::is_private() const { return contains(private_ranges(), *this); }

Address Address::party() const {
  Address party = *this;
  if (!is_ipv4()) std::fill(party.bytes_.begin() + kPartyBytes, party.bytes_.end(), 0);
  return party;
}

std::optional<Range> Range::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto first = Address::parse(text.substr(0, slash));
  if (!first) return std::nullopt;
  if (slash == std::string_view::npos) return Range(*first, kBits);
  const auto number = text.substr(slash + 1);
  // A mapped address written as IPv6 has a prefix of IPv6.
  const unsigned most = text.find(':') == std::string_view::npos ? kIpv4Bits : kBits;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
  if (error != std::errc() || end != number.data() + number.size() || bits > most) return std::nullopt;
  return Range(*first, kBits - most + bits);
}

bool Range::contains(const Address& address) const {
  const auto whole = bits_ / 8;
  if (!std::equal(first_.bytes_.begin(), first_.bytes_.begin() + whole, address.bytes_.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const auto different = static_cast<unsigned>(first_.bytes_[whole] ^ address.bytes_[whole]);
  return different >> (8 - bits_ % 8) == 0;
}

bool contains(const Ranges& ranges, const Address& address) {
  return std::ranges::any_of(ranges, [&address](const Range& range) { return range.contains(address); });
}

}  // namespace otpgw::ip
