// The texts of messages when a provider's section names none.
#pragma once

#include <string_view>

namespace otpgw::message {

// Never holds the code: subjects show on locked screens and in logs of mail servers.
extern const std::string_view kDefaultSubject;
extern const std::string_view kDefaultHtml;
// The plain-text alternative of every HTML body.
extern const std::string_view kDefaultMailText;
// For everything that is no e-mail. It fits one SMS.
extern const std::string_view kDefaultText;

}  // namespace otpgw::message
