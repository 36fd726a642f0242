// Holds a tree against the table of keys.
#pragma once

#include <string>
#include <vector>

#include "core/config/tree.h"

namespace otpgw::config {

// Every known key has its type and range afterwards, or Refused is thrown. What stands in a provider's
// section that is switched off is not looked at. Returns one warning for each unknown key.
[[nodiscard]] std::vector<std::string> check_keys(const Node& root);

// Whether a section of [providers] or [webhooks] has enabled = true. Throws Refused when it is no boolean.
[[nodiscard]] bool is_enabled(const Node& section, const std::string& path);

}  // namespace otpgw::config
