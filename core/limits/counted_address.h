// An address as the limits count it. What is sent to is what the provider made of the address; a provider
// without rules of its own (a webhook without default_phone_code) makes nothing of it, and a limit that every
// other spelling begins anew is none. So this is coarser than any provider: two people rarely share it.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::limits {

// Lower case, without white space at its ends, digits and white space of any alphabet as ASCII. Of what has
// nothing but `+0-9 -().`, a phone number, the digits: without + or 00 before the country code, and without
// the (0) behind it. Of an e-mail address: without white space, the domain's last dot, and +tag of the local
// part. Most servers tell neither John@ nor john+tag@ from john@.
[[nodiscard]] std::string counted_address(std::string_view address);

// What is written as an international phone number (+49 or 0049) as E.164; else "".
[[nodiscard]] std::string e164_of(std::string_view address);

}  // namespace otpgw::limits
