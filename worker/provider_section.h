// The gateway's configuration files as a process needs them that serves one provider.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/config/config.h"

namespace otpgw::worker {

// The whole configuration with one provider in it, the enabled section of that name. `overrides` are laid
// over the files and the environment, under the environment's names (OTP_GATEWAY_APP__PLUGINS_DIR). The error
// is one line.
[[nodiscard]] std::expected<config::Config, std::string> read_provider_config(
    const std::vector<std::filesystem::path>& files, const std::string& provider,
    const std::map<std::string, std::string>& overrides = {});

}  // namespace otpgw::worker
