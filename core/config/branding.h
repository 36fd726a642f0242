// How the pages look: [web], and the keys of [auth.NAME] about it. All throw Refused.
#pragma once

#include <string>
#include <string_view>

#include "core/config/config.h"
#include "core/config/section.h"

namespace otpgw::config {

// The address of an image, or "".
[[nodiscard]] std::string read_image(const Section& section, std::string_view name);

// auth.NAME.name, logo_url and accent.
void read_branding(const Section& section, Namespace& out);

[[nodiscard]] Web read_web(const Node& root);

}  // namespace otpgw::config
