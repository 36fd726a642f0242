#include "web/site.h"

#include <algorithm>

namespace otpgw::web {
namespace {

// "https://logos.example/otp.svg" -> "https://logos.example"; "" for a path.
std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, url.find('/', scheme + 3));
}

std::string_view path_of(std::string_view url) { return url.substr(origin_of(url).size()); }

// "https://app.example", "http://localhost:*": scheme, host, port or '*', nothing that ends a CSP source or
// an attribute.
bool is_origin(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-.:*[]").contains(c);
  };
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    return !rest.empty() && std::ranges::all_of(rest, allowed);
  }
  return false;
}

std::string headers(const std::string& origins, std::string_view image_origins) {
  return "Cache-Control: no-store\r\n"
         "Referrer-Policy: no-referrer\r\n"
         "X-Content-Type-Options: nosniff\r\n"
         "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" +
         std::string(image_origins) +
         "; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'" +
         (origins.empty() ? "" : " " + origins) + "\r\n";
}

}  // namespace

std::expected<Sites, std::string> Sites::from(const config::Config& config) {
  Sites sites;
  sites.base = path_of(config.app.root_url);
  while (sites.base.ends_with('/')) sites.base.pop_back();
  sites.resend_cooldown = config.limits.resend_cooldown;
  sites.logo = config.app.logo_url.empty() ? sites.base + "/static/logo.svg" : config.app.logo_url;
  sites.favicon =
      config.app.favicon_url.empty() ? sites.base + "/static/favicon.svg" : config.app.favicon_url;

  std::string image_origins;
  for (const std::string_view url : {config.app.logo_url, config.app.favicon_url}) {
    const std::string_view origin = origin_of(url);
    if (origin.empty()) continue;
    if (!is_origin(origin)) {
      return std::unexpected("app.logo_url, app.favicon_url: expected a path or an http(s) address; got \"" +
                             std::string(url) + "\"");
    }
    image_origins.append(" ").append(origin);
  }
  for (const auto& [name, name_space] : config.namespaces) {
    std::string origins;
    for (const std::string& origin : name_space.origins) {
      if (!is_origin(origin)) {
        return std::unexpected("origins of namespace \"" + name +
                               "\": expected \"https://app.example\" or \"http://localhost:*\"; got \"" +
                               origin + "\"");
      }
      origins.append(origins.empty() ? "" : " ").append(origin);
    }
    std::string lines = headers(origins, image_origins);
    sites.sites_.emplace(name, Site{name, std::move(origins), std::move(lines)});
  }
  sites.unknown_ = {"OTP Gateway", "", headers("", image_origins)};
  return sites;
}

const Site& Sites::of(std::string_view name_space) const {
  const auto found = sites_.find(name_space);
  return found == sites_.end() ? unknown_ : found->second;
}

}  // namespace otpgw::web
