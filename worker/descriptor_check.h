// Turns the descriptors that a library shows into values, or says which of their fields is impossible.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "core/wire/messages.h"
#include "otpgw/provider.h"

namespace otpgw::worker {

// The entry's prefix must have been accepted.
[[nodiscard]] std::expected<std::vector<wire::Descriptor>, std::string> read_descriptors(
    const otpgw_entry& entry);

// One of them. `which` names it in the error.
[[nodiscard]] std::expected<wire::Descriptor, std::string> read_descriptor(const otpgw_descriptor& descriptor,
                                                                           const std::string& which);

}  // namespace otpgw::worker
