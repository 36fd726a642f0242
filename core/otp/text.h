// What the rules ask of a text. UTF-8 that has been checked to be well-formed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace otpgw::otp {

[[nodiscard]] std::size_t code_points(std::string_view text);
// Decimal digits, white space and dashes of all alphabets, and full-width forms, as ASCII has them. What has
// no width goes, all else stays. Bytes that are no UTF-8 do no harm.
[[nodiscard]] std::string plain(std::string_view text);
// C0, DEL or C1?
[[nodiscard]] bool has_control(std::string_view text);

}  // namespace otpgw::otp
