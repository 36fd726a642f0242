// [app]
#include <algorithm>

#include "core/config/branding.h"
#include "core/config/ip_ranges.h"
#include "core/config/languages.h"
#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

void read_address(const Section& section, App& app) {
  const Node* value = section.find("address");
  if (value == nullptr) return;
  const auto address = parse_host_port(as_text(*value).value());
  if (!address) section.refuse("address", "expected HOST:PORT like \"127.0.0.1:9000\"; got " + shown(*value));
  app.host = address->host;
  app.port = address->port;
}

bool listens_everywhere(const App& app) { return app.host == "0.0.0.0" || app.host == "::"; }

void read_root_url(const Section& section, const Places& places, Warnings& warnings, App& app) {
  const std::string given = section.text("root_url", "");
  if (given.empty()) {
    app.root_url = default_root_url(app);
    if (listens_everywhere(app)) {
      const Node* address = section.find("address");
      warnings.push_back((address == nullptr ? places.file : address->origin.where) +
                         ": app.root_url: not set, so links lead to " + app.root_url);
    }
    return;
  }
  const auto url = parse_root_url(given);
  if (!url) {
    section.refuse("root_url",
                   "expected an http:// or https:// address without query, like "
                   "\"https://otp.example.com\"; got " +
                       shown(*section.find("root_url")));
  }
  app.root_url = *url;
  if (app.tls && app.root_url.starts_with("http://")) {
    warnings.push_back(
        section.find("root_url")->origin.where +
        ": app.root_url: begins with http://, but with app.tls_certificate only https:// is answered");
  }
}

void read_trusted_proxies(const Section& section, Warnings& warnings, App& app) {
  app.trusted_proxies = read_ip_ranges(section, "trusted_proxies");
  if (std::ranges::any_of(app.trusted_proxies, &ip::Range::is_everybody)) {
    warnings.push_back(section.find("trusted_proxies")->origin.where +
                       ": app.trusted_proxies: trusts everybody, so everybody can pass for any client");
  }
}

}  // namespace

std::string default_root_url(const App& app) {
  const std::string host = listens_everywhere(app)                   ? "localhost"
                           : app.host.find(':') != std::string::npos ? "[" + app.host + "]"
                                                                     : app.host;
  return (app.tls ? "https://" : "http://") + host + ":" + std::to_string(app.port);
}

App read_app(const Node& root, const Places& places, std::optional<Tls> tls, Warnings& warnings) {
  const Section section(&root, "app", "app");
  App app;
  app.tls = std::move(tls);
  read_address(section, app);
  read_root_url(section, places, warnings, app);
  read_trusted_proxies(section, warnings, app);
  app.logo_url = read_image(section, "logo_url");
  app.favicon_url = read_image(section, "favicon_url");
  app.locale = section.text("locale", app.locale);
  if (!is_language_tag(app.locale)) {
    section.refuse("locale", "expected the tag of a language, like \"en\" or \"pt-BR\"; got " +
                                 shown(*section.find("locale")));
  }
  if (const Node* locale = section.find("locale")) app.locale_origin = locale->origin.where + ": app.locale";
  app.server_timeout = section.duration("server_timeout", app.server_timeout);
  app.debug_logs = section.boolean("enable_debug_logs", app.debug_logs);
  app.send_wait = section.duration("send_wait", app.send_wait);

  // A ceiling is for what callers ask; the configured default is always allowed.
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  app.otp_ttl = duration_cast<seconds>(section.duration("otp_ttl", app.otp_ttl));
  app.otp_ttl_max =
      std::max(app.otp_ttl, duration_cast<seconds>(section.duration("otp_ttl_max", app.otp_ttl_max)));
  app.otp_max_attempts = section.integer("otp_max_attempts", app.otp_max_attempts);
  app.otp_max_attempts_max =
      std::max(app.otp_max_attempts, section.integer("otp_max_attempts_max", app.otp_max_attempts_max));
  app.otp_max_generate = section.integer("otp_max_generate", app.otp_max_generate);
  app.otp_max_generate_max =
      std::max(app.otp_max_generate, section.integer("otp_max_generate_max", app.otp_max_generate_max));

  app.data_dir = section.path_of("data_dir", places.data_dir);
  app.plugins_dir = section.path_of("plugins_dir", places.plugins_dir);
  return app;
}

}  // namespace otpgw::config
