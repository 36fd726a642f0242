// The notation of message templates: Go's {{ .OTP }} and mustache's {{OTP}}, as canonical mustache.
#pragma once

#include <array>
#include <expected>
#include <string>
#include <string_view>

namespace otpgw::message {

// Every name that a template may use.
inline constexpr std::array<std::string_view, 8> kNames = {
    "To", "Namespace", "Channel", "ChannelName", "OTP", "OTPURL", "OTPTTL.Minutes", "BoundLine"};

// Rewrites every tag as {{NAME}}, {{{NAME}}}, {{#NAME}}, {{^NAME}} or {{/NAME}}, drops comments, and refuses
// everything else: mustache would render {{ .OTP }} and {{if .OTP}} as nothing, without a word. The error is
// one line that starts with `origin` and the tag's line.
[[nodiscard]] std::expected<std::string, std::string> canonical(std::string_view text,
                                                                std::string_view origin);

}  // namespace otpgw::message
