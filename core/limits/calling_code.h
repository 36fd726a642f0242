// The country calling code of a phone number: what numbers are grouped by where each would be too many.
#pragma once

#include <string_view>

namespace otpgw::limits {

// "+4915112345678" -> "+49". "" when it is no E.164 number.
[[nodiscard]] std::string_view calling_code(std::string_view address);
// '+' and digits, at most 15.
[[nodiscard]] bool is_e164(std::string_view address);

}  // namespace otpgw::limits
