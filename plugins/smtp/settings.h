// The keys of the SMTP section, checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace otpgw::smtp {

enum class Auth { none, login, plain, cram };
enum class Tls { none, starttls, implicit };

struct Settings {
  std::string host;  // an IPv6 address in brackets
  uint16_t port = 0;
  Auth auth = Auth::none;
  std::string username, password;
  std::string from_name, from_address;
  Tls tls = Tls::starttls;
  bool tls_skip_verify = false;
};

// Throws std::invalid_argument: "KEY: what is wrong". No secret stands in it.
[[nodiscard]] Settings read_settings(std::string_view config_json);

}  // namespace otpgw::smtp
