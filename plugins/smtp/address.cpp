#include "address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace otpgw::smtp {
namespace {

constexpr std::size_t kLocalPartBytesMax = 64;
constexpr std::size_t kLabelBytesMax = 63;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

// RFC 5322's atext.
bool is_atom_character(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Calls `good` for each part between the dots; an empty part is never good.
template <class Good>
bool all_parts(std::string_view text, Good good) {
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    if (part.empty() || !good(part)) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_host_name(std::string_view domain) {
  const bool labels = all_parts(domain, [](std::string_view label) {
    return label.size() <= kLabelBytesMax && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
  });
  if (!labels) return false;
  // A single word is a typing error, except on the machine itself; a last label of digits is a mistyped IP
  // address.
  const auto dot = domain.rfind('.');
  if (dot == domain.npos) return domain == "localhost";
  return !std::ranges::all_of(domain.substr(dot + 1), is_digit);
}

bool is_address_literal(std::string_view domain) {
  if (!domain.starts_with('[') || !domain.ends_with(']')) return false;
  const std::string inner(domain.substr(1, domain.size() - 2));
  unsigned char parsed[sizeof(in6_addr)];
  constexpr std::string_view kIpv6 = "ipv6:";
  if (inner.starts_with(kIpv6)) return ::inet_pton(AF_INET6, inner.c_str() + kIpv6.size(), parsed) == 1;
  return ::inet_pton(AF_INET, inner.c_str(), parsed) == 1;
}

}  // namespace

std::expected<std::string, std::string> normalise_address(std::string_view address) {
  const auto wrong = [](const char* sentence) { return std::unexpected(std::string(sentence)); };
  if (address.size() > kAddressBytesMax) return wrong("The e-mail address is longer than 254 characters.");
  if (std::ranges::any_of(address, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return wrong("E-mail addresses with letters outside A to Z are not supported.");
  const auto at = address.find('@');
  if (at == address.npos || address.find('@', at + 1) != address.npos)
    return wrong("An e-mail address has exactly one @.");
  const auto local_part = address.substr(0, at);
  if (local_part.size() > kLocalPartBytesMax)
    return wrong("The part before the @ is longer than 64 characters.");
  if (!all_parts(local_part, [](auto atom) { return std::ranges::all_of(atom, is_atom_character); }))
    return wrong("The part before the @ is not that of an e-mail address.");
  std::string domain(address.substr(at + 1));
  std::ranges::transform(domain, domain.begin(),
                         [](char c) { return is_letter(c) ? static_cast<char>(c | 0x20) : c; });
  if (!is_host_name(domain) && !is_address_literal(domain))
    return wrong("The part after the @ is not that of an e-mail address.");
  return std::string(local_part) + "@" + domain;
}

}  // namespace otpgw::smtp
