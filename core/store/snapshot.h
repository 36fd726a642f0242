// Records as bytes: a write's answer, which is what an idempotent request gets again (the code stays sealed
// in it), and a list of providers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/store/store.h"

namespace otpgw::store {

[[nodiscard]] std::string encode_snapshot(const Written& written);
// Nothing when the bytes are malformed. Delivery and job are not in it: they are looked up anew.
[[nodiscard]] std::optional<Written> decode_snapshot(std::string_view bytes);

// How the steps stand (their deliveries) and when the current one ends is not in it. No steps: "".
[[nodiscard]] std::string encode_fallback(const otp::Fallback& fallback);
// A single provider when the bytes are malformed.
[[nodiscard]] otp::Fallback decode_fallback(std::string_view bytes);

}  // namespace otpgw::store
