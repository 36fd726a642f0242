// What plug-ins have against their settings, found out without loading them into this process.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config/config.h"

namespace otpgw::broker {

// Starts `worker` once for each provider, all at the same time; it loads the plug-in, makes an instance and
// ends. Takes at most 9 s. One line for each provider whose plug-in refuses, crashes or hangs:
//   config.toml:12: providers.smtp: from_email: expected "Name <a@b>"; got "nobody"
[[nodiscard]] std::vector<std::string> check_plugins(const std::filesystem::path& worker,
                                                     const std::vector<const config::Provider*>& providers);

}  // namespace otpgw::broker
