// The parameters of the OTP routes, checked by API.md's rules. Errors are the sentences of a 400 and name the
// parameter.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "core/config/config.h"
#include "core/http/params.h"
#include "core/otp/service.h"

namespace otpgw::api {

// What is wrong with an id, or nothing.
[[nodiscard]] std::optional<std::string> wrong_id(std::string_view id);

[[nodiscard]] std::expected<otp::PutRequest, std::string> read_put(const config::Config& config,
                                                                   const config::Namespace& name_space,
                                                                   const http::Params& params);
// Nothing when `skip_delete` was not given.
[[nodiscard]] std::expected<std::optional<bool>, std::string> read_skip_delete(const http::Params& params);
[[nodiscard]] std::expected<std::chrono::milliseconds, std::string> read_wait(const config::Config& config,
                                                                              const http::Params& params);

}  // namespace otpgw::api
