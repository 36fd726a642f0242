// How the style of a page comes along: in the page itself, so that nothing else is needed to paint it.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::web {

struct PageStyle {
  std::string html;     // for the head, ready
  std::string sources;  // what the CSP's style-src has to name for it: " 'sha256-…'" for each element, or ""
};

// `sheet` is that of all pages, served at `url`; `theme` is for after it, or "". A sheet is linked where a
// page can't hold it: it names other files, by their way from its own address; or it would not reach the
// browser in one flight with the page.
[[nodiscard]] PageStyle page_style(std::string_view sheet, std::string_view url, std::string_view theme);

}  // namespace otpgw::web
