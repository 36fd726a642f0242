// One TOML file as a tree.
#pragma once

#include <filesystem>

#include "core/config/tree.h"

namespace otpgw::config {

// Throws Refused when the file can't be read or isn't TOML.
[[nodiscard]] Node read_toml(const std::filesystem::path& file);

}  // namespace otpgw::config
