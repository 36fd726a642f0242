// What otp.js says itself: on an application's page, where the page's own words can't be.
#pragma once

#include <string>
#include <string_view>

#include "web/locales.h"

namespace otpgw::web {

// The script with these words of all languages in place of its own English ones, those of `locale` (a key of
// `locales`) first. A script without a place for them stays as it is.
[[nodiscard]] std::string with_words(std::string_view script, const Locales& locales,
                                     std::string_view locale);

}  // namespace otpgw::web
