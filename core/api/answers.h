// Outcomes of the OTP service as HTTP answers.
#pragma once

#include "core/config/config.h"
#include "core/http/message.h"
#include "core/otp/service.h"

namespace otpgw::api {

// The whole OTP object. `with_url`: the answers to PUT, GET and check have it.
[[nodiscard]] std::string otp_json(const config::Config& config, const otp::Answer& answer, bool with_url);

[[nodiscard]] http::Response to_response(const config::Config& config, const otp::Outcome& outcome,
                                         bool with_url);

}  // namespace otpgw::api
