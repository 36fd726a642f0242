// The signed request that sends one message.
#pragma once

#include <string>

#include "otpgw/http.hpp"
#include "otpgw/provider.hpp"
#include "settings.h"

namespace otpgw::pinpoint {

// To `address`, which must be E.164.
[[nodiscard]] http::Request request_for(const Settings& settings, const Job& job, const std::string& address);

}  // namespace otpgw::pinpoint
