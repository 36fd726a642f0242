#include "core/config/branding.h"

#include <Poco/String.h>

#include <algorithm>
#include <system_error>

#include "core/config/web_address.h"

namespace otpgw::config {
namespace {

constexpr std::size_t kDisplayNameBytesMax = 128;

// "#25D" -> "#2255dd"; "" when it is no colour.
std::string read_colour(std::string text) {
  const auto is_hex = [](unsigned char c) { return std::isxdigit(c) != 0; };
  if (!text.starts_with('#') || !std::all_of(text.begin() + 1, text.end(), is_hex)) return {};
  if (text.size() == 4) text = {'#', text[1], text[1], text[2], text[2], text[3], text[3]};
  return text.size() == 7 ? Poco::toLower(text) : std::string();
}

}  // namespace

std::string read_image(const Section& section, std::string_view name) {
  const std::string url = section.text(name, "");
  if (!url.empty() && !is_image_url(url)) {
    section.refuse(name,
                   "expected an http:// or https:// address (of a host without '_'), or a path that starts "
                   "with /; got " +
                       shown(*section.find(name)));
  }
  return url;
}

void read_branding(const Section& section, Namespace& out) {
  out.display_name = section.text("name", "");
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (out.display_name.size() > kDisplayNameBytesMax || std::ranges::any_of(out.display_name, is_control)) {
    section.refuse("name", "expected at most " + std::to_string(kDisplayNameBytesMax) +
                               " bytes without control characters; got " + shown(*section.find("name")));
  }
  out.logo_url = read_image(section, "logo_url");
  const std::string accent = section.text("accent", "");
  out.accent = read_colour(accent);
  if (out.accent.empty() && !accent.empty()) {
    section.refuse("accent",
                   "expected a colour like \"#25d\" or \"#2450d6\"; got " + shown(*section.find("accent")));
  }
}

Web read_web(const Node& root) {
  const Section section(&root, "web", "web");
  Web web;
  web.templates_dir = section.path_of("templates_dir", {});
  std::error_code ignored;
  if (!web.templates_dir.empty() && !std::filesystem::is_directory(web.templates_dir, ignored)) {
    section.refuse("templates_dir", "expected a folder; found none at " + web.templates_dir.string());
  }
  return web;
}

}  // namespace otpgw::config
