// What a write came to, as the refusal that a caller gets: one error has one sentence.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/otp/service.h"
#include "core/store/store.h"

namespace otpgw::otp {

[[nodiscard]] Refusal refuse(Refusal::Kind kind, std::string message);
// A refusal that shows the OTP.
[[nodiscard]] Refusal refuse(Refusal::Kind kind, std::string message, Otp otp, UnixMs now);
// 400. The sentence is for people: the provider's, or ours.
[[nodiscard]] Refusal bad_address(AddressFault fault, std::string_view sentence);
[[nodiscard]] Refusal unavailable(std::string message);
// 429: `message` without its full stop.
[[nodiscard]] Refusal try_again(Refusal::Kind kind, std::string_view message, int64_t wait_ms);

// Nothing when the write did what was asked, or had nothing to do. Takes what it needs of `written`.
[[nodiscard]] std::optional<Refusal> refusal_of(store::Written& written, bool is_check,
                                                std::chrono::milliseconds cooldown, UnixMs now);

}  // namespace otpgw::otp
