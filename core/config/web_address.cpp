#include "core/config/web_address.h"

#include <Poco/String.h>

#include <algorithm>
#include <charconv>

namespace otpgw::config {
namespace {

// What may stand unescaped in a header, an attribute and a URL.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("\"'<>\\^`{|}").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

bool is_host(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const std::string_view inner = bracketed ? host.substr(1, host.size() - 2) : host;
  return !inner.empty() && inner.size() <= 253 && std::ranges::all_of(inner, [&](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || (bracketed ? c == ':' : c == '-' || c == '_');
  });
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Splits "host:port", "[v6]:port" or "host"; the port is empty when there is none.
std::pair<std::string_view, std::string_view> split_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

// Takes "http://" or "https://" off and returns it; empty when it is another.
std::string_view take_scheme(std::string_view& url) {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (Poco::icompare(std::string(url.substr(0, scheme.size())), std::string(scheme)) == 0) {
      url.remove_prefix(scheme.size());
      return scheme;
    }
  }
  return {};
}

bool is_authority(std::string_view authority, bool any_port_allowed) {
  const auto [host, port] = split_port(authority);
  if (!is_host(host)) return false;
  const bool has_port = host.size() != authority.size();
  return !has_port || parse_port(port).has_value() || (any_port_allowed && port == "*");
}

// Origins and images stand in a Content-Security-Policy, where browsers know no host with a '_'.
bool is_policy_source(std::string_view authority) { return !authority.contains('_'); }

// In lower case, without the scheme's own port.
std::string as_browsers_write(std::string_view scheme, std::string_view authority) {
  const auto [host, digits] = split_port(authority);
  const std::string origin = Poco::toLower(std::string(scheme) + std::string(host));
  const auto port = parse_port(digits);
  if (!port) return digits.empty() ? origin : origin + ":*";
  const int own = scheme == "https://" ? 443 : 80;
  return *port == own ? origin : origin + ":" + std::to_string(*port);
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto [host, digits] = split_port(text);
  const auto port = parse_port(digits);
  if (!port) return std::nullopt;
  if (host.empty()) return HostPort{"0.0.0.0", *port};
  if (!is_host(host)) return std::nullopt;
  return HostPort{std::string(host.starts_with('[') ? host.substr(1, host.size() - 2) : host), *port};
}

std::optional<std::string> parse_root_url(std::string_view text) {
  std::string_view rest = text;
  const std::string_view scheme = take_scheme(rest);
  if (scheme.empty() || !is_plain(rest) || rest.find_first_of("?#@") != std::string_view::npos)
    return std::nullopt;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (!is_authority(rest.substr(0, rest.find('/')), false)) return std::nullopt;
  return std::string(scheme) + std::string(rest);
}

std::optional<std::string> parse_origin(std::string_view text) {
  std::string_view authority = text;
  const std::string_view scheme = take_scheme(authority);
  if (scheme.empty() || !is_authority(authority, true) || !is_policy_source(authority)) return std::nullopt;
  return as_browsers_write(scheme, authority);
}

std::optional<std::string> origin_of(std::string_view url) {
  std::string_view rest = url;
  const std::string_view scheme = take_scheme(rest);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (scheme.empty() || !is_plain(rest) || !is_authority(authority, false)) return std::nullopt;
  return as_browsers_write(scheme, authority);
}

bool allows_origin(std::string_view allowed, std::string_view origin) {
  constexpr std::string_view kAnyPort = ":*";
  if (!allowed.ends_with(kAnyPort)) return allowed == origin;
  allowed.remove_suffix(kAnyPort.size());
  return origin.starts_with(allowed) && (origin.size() == allowed.size() || origin[allowed.size()] == ':');
}

bool may_link_to(std::string_view origin, const std::vector<std::string>& origins,
                 std::string_view root_url) {
  const auto allows = [origin](std::string_view entry) { return allows_origin(entry, origin); };
  return std::ranges::any_of(origins, allows) || origin_of(root_url) == origin;
}

bool is_image_url(std::string_view text) {
  if (!is_plain(text)) return false;
  std::string_view rest = text;
  if (!take_scheme(rest).empty()) {
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    return is_authority(authority, false) && is_policy_source(authority);
  }
  return text.starts_with('/') && !text.starts_with("//");
}

}  // namespace otpgw::config
