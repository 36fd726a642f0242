#include "settings.h"

#include <algorithm>
#include <stdexcept>

#include "address.h"
#include "otpgw/json_config.hpp"

namespace otpgw::smtp {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// What curl's URL can't misread: no user, path, query or second port.
std::string read_host(const JsonConfig& config) {
  auto host = config.required_text("host");
  const bool known = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
  });
  if (!known) throw std::invalid_argument("host: expected a host name or an IP address");
  const auto colons = std::ranges::count(host, ':');
  if (colons == 1) throw std::invalid_argument("host: give the port with the key port");
  return colons > 1 ? "[" + host + "]" : host;
}

// "Name <a@b>" or "a@b".
void read_from(const JsonConfig& config, Settings& settings) {
  const auto text = config.required_text("from_email");
  std::string_view address = trimmed(text);
  if (const auto open = address.find('<'); open != address.npos) {
    if (!address.ends_with('>'))
      throw std::invalid_argument("from_email: expected \"Name <user@example.com>\"");
    auto name = trimmed(address.substr(0, open));
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"'))
      name = name.substr(1, name.size() - 2);
    if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
      throw std::invalid_argument("from_email: the name holds a control character");
    settings.from_name = name;
    address = trimmed(address.substr(open + 1, address.size() - open - 2));
  }
  const auto normalised = normalise_address(address);
  if (!normalised)
    throw std::invalid_argument("from_email: expected \"Name <user@example.com>\": " + normalised.error());
  settings.from_address = *normalised;
}

uint16_t default_port(Tls tls) {
  switch (tls) {
    case Tls::none:
      return 25;
    case Tls::starttls:
      return 587;
    case Tls::implicit:
      return 465;
  }
  return 25;
}

}  // namespace

Settings read_settings(std::string_view config_json) {
  const JsonConfig config(config_json);
  Settings settings;
  settings.host = read_host(config);
  const auto tls = config.choice("tls_type", {"none", "STARTTLS", "TLS"}, "STARTTLS");
  settings.tls = tls == "none" ? Tls::none : tls == "TLS" ? Tls::implicit : Tls::starttls;
  settings.tls_skip_verify = config.boolean("tls_skip_verify", false);
  settings.port = static_cast<uint16_t>(config.integer("port", 1, 65535, default_port(settings.tls)));
  const auto auth = config.choice("auth_protocol", {"login", "cram", "plain", "none", ""}, "none");
  settings.auth = auth == "login"   ? Auth::login
                  : auth == "plain" ? Auth::plain
                  : auth == "cram"  ? Auth::cram
                                    : Auth::none;
  settings.username = config.text("username");
  settings.password = config.text("password");
  if (settings.auth != Auth::none && settings.username.empty())
    throw std::invalid_argument("username: missing; auth_protocol " + auth + " needs one");
  read_from(config, settings);
  return settings;
}

}  // namespace otpgw::smtp
