// The colours of an application's pages, from the one that it has given.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::web {

// How well text of one colour ("#rrggbb") reads on another: 1 to 21 (WCAG 2, contrast ratio).
[[nodiscard]] double contrast(std::string_view one, std::string_view other);

// A style sheet for after style.css. Buttons have the accent itself, with black or white text, whichever
// reads better. Links have it too, but darker on light pages and lighter on dark ones, as far as it takes to
// read them (4.5).
[[nodiscard]] std::string theme_css(std::string_view accent);

}  // namespace otpgw::web
