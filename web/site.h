// What the pages of one namespace have in common, worked out at start: its name and colours, who may
// frame them, the security headers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/config/config.h"

namespace otpgw::web {

struct Site {
  std::string name;              // for people
  std::string logo;              // address
  bool own_logo = false;         // of any shape; ours is a square
  std::string theme_url, theme;  // a style sheet of its own, or ""
  std::string style;             // for the head of its pages: HTML
  std::string origins;  // who may frame the pages, separated by spaces; the gateway's own counts anyway
  std::string headers;  // whole lines, for every answer with a page
};

class Sites {
 public:
  // Of a configuration that has been checked: its addresses can stand in a header. `sheet` is
  // static/style.css.
  [[nodiscard]] static Sites from(const config::Config& config, std::string_view sheet);

  // A namespace that is not configured gets a site that nobody else may frame.
  [[nodiscard]] const Site& of(std::string_view name_space) const;

  std::string base;  // path of app.root_url: "" or "/gateway"
  std::string favicon;
  std::chrono::milliseconds resend_cooldown{0};

 private:
  std::map<std::string, Site, std::less<>> sites_;
  Site unknown_;
};

}  // namespace otpgw::web
