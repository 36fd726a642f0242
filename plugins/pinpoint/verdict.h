// What an answer of AWS says became of the message. The table of all that AWS documents is in verdict.cpp.
#pragma once

#include <string>
#include <string_view>

#include "otpgw/http.hpp"
#include "otpgw/provider.hpp"
#include "settings.h"

namespace otpgw::pinpoint {

// `error_type`: the header x-amzn-ErrorType. `address`: that of the request. The detail holds the names that
// AWS gives and words of ours, nothing else of the answer.
[[nodiscard]] Result verdict(Api api, const http::Answer& answer, std::string_view error_type,
                             const std::string& address);

}  // namespace otpgw::pinpoint
