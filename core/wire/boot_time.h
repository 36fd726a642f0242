// Time that nobody sets: how long the machine has been up, suspended or not, and which boot that counts from.
// Two processes that see the same boot_id() can compare their boot_ms(); wall time can be set while they run.
#pragma once

#include <cstdint>
#include <string>

namespace otpgw::wire {

// Milliseconds since the boot (CLOCK_BOOTTIME).
[[nodiscard]] int64_t boot_ms();
// Names this boot of this machine; empty when the system does not tell.
[[nodiscard]] const std::string& boot_id();

}  // namespace otpgw::wire
