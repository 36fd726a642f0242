// What a reload of the configuration can't change, because the program opened or started it at its start.
#pragma once

#include <string>
#include <vector>

#include "core/config/config.h"

namespace otpgw::config {

// Puts such values of the running configuration back into `fresh`. Returns the keys that had been changed.
[[nodiscard]] std::vector<std::string> keep_until_restart(const Config& running, Config& fresh);

}  // namespace otpgw::config
