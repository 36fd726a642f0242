// Keys whose value is a list of IP addresses and ranges.
#pragma once

#include <string_view>

#include "core/config/section.h"
#include "core/ip/ip.h"

namespace otpgw::config {

// Empty when the key is absent. Throws Refused.
[[nodiscard]] ip::Ranges read_ip_ranges(const Section& section, std::string_view name);

}  // namespace otpgw::config
