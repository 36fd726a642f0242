#include "web/site.h"

#include <initializer_list>

#include "core/config/web_address.h"
#include "core/http/params.h"
#include "web/page_style.h"
#include "web/theme.h"

namespace otpgw::web {
namespace {

// "https://otp.example/gateway" -> "/gateway".
std::string path_of(const std::string& root_url) {
  const std::size_t path = root_url.find('/', root_url.find("://") + 3);
  return path == std::string::npos ? std::string() : root_url.substr(path);
}

std::string headers(const std::string& origins, const std::string& image_origins,
                    const std::string& style_sources) {
  return "Cache-Control: no-store\r\n"
         "Referrer-Policy: no-referrer\r\n"
         "X-Content-Type-Options: nosniff\r\n"
         "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'" +
         style_sources + "; img-src 'self'" + image_origins +
         "; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'" +
         (origins.empty() ? "" : " " + origins) + "\r\n";
}

// The sites that these images come from, each after a space; a path is of our own.
std::string image_origins(std::initializer_list<std::string_view> urls) {
  std::string origins;
  for (const std::string_view url : urls) {
    if (const auto origin = config::origin_of(url)) origins.append(" ").append(*origin);
  }
  return origins;
}

}  // namespace

Sites Sites::from(const config::Config& config, std::string_view sheet) {
  Sites sites;
  sites.base = path_of(config.app.root_url);
  sites.resend_cooldown = config.limits.resend_cooldown;
  const auto own_or = [&sites](const std::string& own, const char* ours) {
    return own.empty() ? sites.base + ours : own;
  };
  sites.favicon = own_or(config.app.favicon_url, "/static/favicon.svg");
  const std::string logo = own_or(config.app.logo_url, "/static/logo.svg");
  const std::string sheet_url = sites.base + "/static/style.css";

  for (const auto& [name, name_space] : config.namespaces) {
    Site site;
    site.name = name_space.display_name.empty() ? name : name_space.display_name;
    site.logo = name_space.logo_url.empty() ? logo : name_space.logo_url;
    site.own_logo = !name_space.logo_url.empty() || !config.app.logo_url.empty();
    for (const std::string& origin : name_space.origins) {
      site.origins.append(site.origins.empty() ? "" : " ").append(origin);
    }
    if (!name_space.accent.empty()) {
      // Named by its colour, so that browsers may keep it.
      site.theme_url =
          sites.base + "/otp/" + http::percent_encode(name) + "/theme?v=" + name_space.accent.substr(1);
      site.theme = theme_css(name_space.accent);
    }
    PageStyle style = page_style(sheet, sheet_url, site.theme);
    site.headers = headers(site.origins, image_origins({site.logo, sites.favicon}), style.sources);
    site.style = std::move(style.html);
    sites.sites_.emplace(name, std::move(site));
  }
  sites.unknown_.name = "OTP Gateway";
  sites.unknown_.logo = logo;
  sites.unknown_.own_logo = !config.app.logo_url.empty();
  PageStyle style = page_style(sheet, sheet_url, "");
  sites.unknown_.headers = headers("", image_origins({logo, sites.favicon}), style.sources);
  sites.unknown_.style = std::move(style.html);
  return sites;
}

const Site& Sites::of(std::string_view name_space) const {
  const auto found = sites_.find(name_space);
  return found == sites_.end() ? unknown_ : found->second;
}

}  // namespace otpgw::web
