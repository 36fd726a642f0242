// The texts of messages when a provider's section names none.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace otpgw::message {

struct Defaults {
  std::string subject;  // never holds the code: subjects show on locked screens and in logs of mail servers
  std::string html;
  std::string mail_text;  // the plain-text alternative of every HTML body
  std::string text;       // for everything that is no e-mail: in English it fits one SMS
};

inline constexpr std::array<std::string_view, 3> kDefaultLanguages = {"ar", "en", "hi"};

// English for all others.
[[nodiscard]] const Defaults& defaults_in(std::string_view language);

}  // namespace otpgw::message
