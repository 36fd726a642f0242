// What `otpgateway-provider check` tries. Each function runs in a child, returns what it did, and throws
// Wrong or NotTried.
#pragma once

#include <string>

#include "worker/tool/trial.h"

namespace otpgw::tool {

// The entry and its descriptors; a schema that is JSON.
[[nodiscard]] std::string check_descriptor(const Trial& trial, const Steps& steps);

// Text that is no JSON object; each key of the schema with values of wrong types, over-long and missing:
// refused with the key's name, or taken, but never a crash.
[[nodiscard]] std::string check_bad_configs(const Trial& trial, const Steps& steps);

// Instances are made and destroyed many times, several at once, without growing.
[[nodiscard]] std::string check_instances(const Trial& trial, const Steps& steps);

// Empty, over-long, with control characters: not valid, with a sentence that does not repeat them. No UTF-8:
// survived.
[[nodiscard]] std::string check_bad_addresses(const Trial& trial, const Steps& steps);

// The address of --to is valid, and so is what it is normalised to.
[[nodiscard]] std::string check_good_address(const Trial& trial, const Steps& steps);

// With the thread-safe flag: many threads validate on one instance and get what one alone gets.
[[nodiscard]] std::string check_validate_threads(const Trial& trial, const Steps& steps);

// These send (--send), about ten messages in all:
// one message arrives, in time, with a result that the contract knows.
[[nodiscard]] std::string check_send(const Trial& trial, const Steps& steps);
// An address that validate refuses is refused by send too.
[[nodiscard]] std::string check_send_bad_address(const Trial& trial, const Steps& steps);
// A send with little time left returns by its deadline.
[[nodiscard]] std::string check_deadline(const Trial& trial, const Steps& steps);
// Eight threads send at once, on the instances as the flag says, while another validates.
[[nodiscard]] std::string check_send_threads(const Trial& trial, const Steps& steps);

}  // namespace otpgw::tool
