// A message with a test code, as the gateway would send it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/wire/messages.h"

namespace otpgw::tool {

inline constexpr const char* kTestCode = "354965";

// `address` as validate normalised it. The job's id is new with each call.
[[nodiscard]] wire::Job test_message(const wire::Descriptor& descriptor, const std::string& address);

[[nodiscard]] int64_t unix_ms_after(std::chrono::milliseconds time);

// "RETRY", with the detail when there is one: "RETRY (connection refused)".
[[nodiscard]] std::string words(const wire::Result& result);

}  // namespace otpgw::tool
