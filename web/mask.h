// Addresses as pages show them: enough to recognise one's own, too little to learn another's.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::web {

// "john@doe.com" -> "j•••@doe.com"; "+4915112345678" -> "•••678"; five code points or fewer -> "•••".
[[nodiscard]] std::string mask_address(std::string_view address);

}  // namespace otpgw::web
