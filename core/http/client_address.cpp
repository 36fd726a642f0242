#include "core/http/client_address.h"

#include <algorithm>
#include <ranges>

#include "core/ops/log.h"

namespace otpgw::http {
namespace {

constexpr std::string_view kHeader = "x-forwarded-for";
constexpr std::size_t kUnlistedProxiesMax = 64;  // more than that is no proxy forgotten in the configuration

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Some proxies add the port: "192.0.2.1:4711", "[2001:db8::1]:4711", "[2001:db8::1]".
std::optional<ip::Address> parse_entry(std::string_view entry) {
  if (entry.starts_with('[')) {
    const auto end = entry.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return ip::Address::parse(entry.substr(1, end - 1));
  }
  const auto colon = entry.find(':');
  if (colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos) {
    entry = entry.substr(0, colon);
  }
  return ip::Address::parse(entry);
}

}  // namespace

void ClientAddresses::trust(ip::Ranges proxies) {
  trusted_ = std::move(proxies);
  unlisted_proxies_.clear();
}

void ClientAddresses::name_client(Request& request, const ip::Address& peer) {
  request.client = peer;
  request.limit_client = true;
  const bool forwarded = std::ranges::any_of(request.headers | std::views::keys,
                                             [](std::string_view name) { return name == kHeader; });
  if (contains(trusted_, peer)) {
    if (forwarded) request.client = forwarded_for(request, peer);
  } else if (forwarded && peer.is_private()) {
    meet_unlisted_proxy(peer);
  }
  request.limit_client = is_limited(request.client);
}

// From the right, because each proxy appends whom it saw: the first that is no proxy of ours. What stands
// left of that is anybody's word. An entry that is no address ends the search at the proxy that passed it on.
ip::Address ClientAddresses::forwarded_for(const Request& request, const ip::Address& peer) const {
  auto client = peer;
  for (const auto& [name, value] : request.headers | std::views::reverse) {
    if (name != kHeader) continue;
    for (auto left = value;;) {
      const auto comma = left.rfind(',');
      const auto entry = trim(comma == std::string_view::npos ? left : left.substr(comma + 1));
      if (!entry.empty()) {
        const auto address = parse_entry(entry);
        if (!address) return client;
        client = *address;
        if (!contains(trusted_, client)) return client;
      }
      if (comma == std::string_view::npos) break;
      left = left.substr(0, comma);
    }
  }
  return client;
}

void ClientAddresses::meet_unlisted_proxy(const ip::Address& peer) {
  if (unlisted_proxies_.size() >= kUnlistedProxiesMax || !unlisted_proxies_.insert(peer).second) return;
  const auto text = peer.text();
  ops::log_warning(
      text +
      " sends X-Forwarded-For and is not trusted, so limits per IP are off for it; if it is your "
      "proxy, add this line under [app]: trusted_proxies = [\"" +
      text + "\"]");
}

}  // namespace otpgw::http
