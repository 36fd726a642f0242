// The addresses that a configuration holds: where to listen, who links to us, who may frame us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::config {

struct HostPort {
  std::string host;  // an IPv6 address without its brackets
  uint16_t port = 0;
};
// "127.0.0.1:9000", "localhost:9000", "[::1]:9000"; ":9000" is every IPv4 address, as in the Go program.
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);

// "https://otp.example/gateway/" without its trailing slash; nothing when it isn't http or https, has no
// host, or has a user, a query or a fragment.
[[nodiscard]] std::optional<std::string> parse_root_url(std::string_view text);

// "https://app.example", "http://localhost:*", in lower case and without the scheme's own port. Nothing for
// what a browser would never send as an origin (with a path, with a user, of another scheme), or does not
// know in a Content-Security-Policy (with a '_' in its host).
[[nodiscard]] std::optional<std::string> parse_origin(std::string_view text);

// The origin of an http(s) address as a browser writes it: lower case, without the scheme's own port. Nothing
// when the address has a user, or anything that must be escaped.
[[nodiscard]] std::optional<std::string> origin_of(std::string_view url);

// Whether `origin` is the one that `allowed` means, both as above: its ":*" is any port.
[[nodiscard]] bool allows_origin(std::string_view allowed, std::string_view origin);

// Whether pages may link to a page of `origin` (origin_of()): one of `origins` (auth.NAME.origins) or of the
// gateway.
[[nodiscard]] bool may_link_to(std::string_view origin, const std::vector<std::string>& origins,
                               std::string_view root_url);

// An image for the pages: an http(s) address that a Content-Security-Policy can name, or a path that starts
// with one slash.
[[nodiscard]] bool is_image_url(std::string_view text);

}  // namespace otpgw::config
