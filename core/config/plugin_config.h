// A provider's section as its plug-in gets it.
#pragma once

#include <string>
#include <vector>

#include "core/config/section.h"

namespace otpgw::config {

// A JSON object of every key of the section. Keys that the table knows have their JSON type even when they
// were written in quotes (port = "25" is 25), so that no plug-in has to care.
[[nodiscard]] std::string plugin_config_json(const Section& section);

// The texts in the section that no log may show.
[[nodiscard]] std::vector<std::string> plugin_secrets(const Section& section);

}  // namespace otpgw::config
