// The OTP object as JSON, as answers and the webhook show it.
#pragma once

#include <string>
#include <string_view>

#include "core/otp/otp.h"

namespace otpgw::message {

// Appends the members that the Go program had, without the braces: "namespace":…, … "ttl":300. An empty
// `code` leaves `otp` out.
void append_otp_members(std::string& out, const otp::Otp& otp, std::string_view code, int64_t ttl_seconds);

}  // namespace otpgw::message
