#include "web/site.h"

#include <algorithm>
#include <initializer_list>

#include "core/http/params.h"
#include "web/theme.h"

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

std::string headers(const std::string& origins, const std::string& image_origins) {
  return "Cache-Control: no-store\r\n"
         "Referrer-Policy: no-referrer\r\n"
         "X-Content-Type-Options: nosniff\r\n"
         "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" +
         image_origins + "; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'" +
         (origins.empty() ? "" : " " + origins) + "\r\n";
}

// The sites that these images come from, each after a space.
std::expected<std::string, std::string> image_origins(std::initializer_list<std::string_view> urls) {
  std::string origins;
  for (const std::string_view url : urls) {
    const std::string_view origin = origin_of(url);
    if (origin.empty()) continue;
    if (!is_origin(origin)) {
      return std::unexpected("logo_url, favicon_url: expected a path or an http(s) address; got \"" +
                             std::string(url) + "\"");
    }
    origins.append(" ").append(origin);
  }
  return origins;
}

}  // namespace

std::expected<Sites, std::string> Sites::from(const config::Config& config) {
  Sites sites;
  sites.base = path_of(config.app.root_url);
  while (sites.base.ends_with('/')) sites.base.pop_back();
  sites.resend_cooldown = config.limits.resend_cooldown;
  const auto own_or = [&sites](const std::string& own, const char* ours) {
    return own.empty() ? sites.base + ours : own;
  };
  sites.favicon = own_or(config.app.favicon_url, "/static/favicon.svg");
  const std::string logo = own_or(config.app.logo_url, "/static/logo.svg");

  for (const auto& [name, name_space] : config.namespaces) {
    Site site;
    site.name = name_space.display_name.empty() ? name : name_space.display_name;
    site.logo = name_space.logo_url.empty() ? logo : name_space.logo_url;
    for (const std::string& origin : name_space.origins) {
      if (!is_origin(origin)) {
        return std::unexpected("origins of namespace \"" + name +
                               "\": expected \"https://app.example\" or \"http://localhost:*\"; got \"" +
                               origin + "\"");
      }
      site.origins.append(site.origins.empty() ? "" : " ").append(origin);
    }
    const auto images = image_origins({site.logo, sites.favicon});
    if (!images) return std::unexpected(images.error());
    site.headers = headers(site.origins, *images);
    if (!name_space.accent.empty()) {
      // Named by its colour, so that browsers may keep it.
      site.theme_url =
          sites.base + "/otp/" + http::percent_encode(name) + "/theme?v=" + name_space.accent.substr(1);
      site.theme = theme_css(name_space.accent);
    }
    sites.sites_.emplace(name, std::move(site));
  }
  const auto images = image_origins({logo, sites.favicon});
  if (!images) return std::unexpected(images.error());
  sites.unknown_.name = "OTP Gateway";
  sites.unknown_.logo = logo;
  sites.unknown_.headers = headers("", *images);
  return sites;
}

const Site& Sites::of(std::string_view name_space) const {
  const auto found = sites_.find(name_space);
  return found == sites_.end() ? unknown_ : found->second;
}

}  // namespace otpgw::web
