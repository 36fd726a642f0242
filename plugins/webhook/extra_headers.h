// The key `headers`: headers of the request that the operator adds.
#pragma once

#include <string>
#include <vector>

#include "otpgw/json_config.hpp"

namespace otpgw::webhook {

// "Name: value". Refuses those that the gateway or HTTP itself sets, and what would not be one header. Throws
// std::invalid_argument; a value may be a secret, so it is not repeated.
[[nodiscard]] std::vector<std::string> read_extra_headers(const JsonConfig& config);

}  // namespace otpgw::webhook
