// IP addresses and ranges of them, as the front, the limits and the configuration know them. An IPv4 address
// is kept as its IPv4-mapped IPv6 one (RFC 4291, 2.5.5.2), so that both spellings are one value.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::ip {

class Address {
 public:
  Address() = default;  // "::"
  // Of an AF_INET or AF_INET6 socket; "::" of any other.
  [[nodiscard]] static Address of(const sockaddr_storage& socket);
  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; nothing for what has a port, a zone or brackets.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);

  // The shortest spelling; IPv4 as such.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_ipv4() const;
  // Loopback, private and link-local ones: nobody reaches us from there across the internet.
  [[nodiscard]] bool is_private() const;
  // What limits count as one party: an IPv4 address, but a /64 of IPv6, which each customer has one of.
  [[nodiscard]] Address party() const;

  auto operator<=>(const Address&) const = default;

 private:
  friend class Range;
  std::array<uint8_t, 16> bytes_{};
};

// An address, or all that begin with the same bits.
class Range {
 public:
  // "10.0.0.0/8", "fd00::/8", or an address alone. Bits behind the prefix may be set; they don't count.
  [[nodiscard]] static std::optional<Range> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const;
  // Every IPv4 or every IPv6 address is in it.
  [[nodiscard]] bool is_everybody() const { return bits_ == 0 || (bits_ == 96 && first_.is_ipv4()); }

  bool operator==(const Range&) const = default;

 private:
  Range(const Address& first, unsigned bits) : first_(first), bits_(bits) {}
  Address first_;
  unsigned bits_;  // of 128
};

using Ranges = std::vector<Range>;
[[nodiscard]] bool contains(const Ranges& ranges, const Address& address);

}  // namespace otpgw::ip
