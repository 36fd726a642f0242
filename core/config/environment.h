// OTP_GATEWAY_ variables as values over the files'.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/config/tree.h"

namespace otpgw::config {

// OTP_GATEWAY_APP__ADDRESS is app.address: a double underscore separates levels. Names match what the files
// have without regard to case; a name that the files don't have is taken in lower case. Variables of other
// names are none of our business. Relative paths in values start at `folder`.
void apply_environment(Node& root, const std::map<std::string, std::string>& environment,
                       const std::filesystem::path& folder);

}  // namespace otpgw::config
