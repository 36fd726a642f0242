// What GET /ready says. Not ready is the gateway only when it can't keep what it would acknowledge (its store
// can't be written) or when it is stopping. A provider's trouble, and a disk on which only new OTPs find no
// room any more, are shown and leave it ready: taking it out of a balancer for them would stop the checks of
// codes that people hold.
#pragma once

#include <string>
#include <vector>

#include "core/ops/snapshot.h"

namespace otpgw::ops {

[[nodiscard]] bool is_ready(const Snapshot& now);

// A sentence for each thing that is wrong, those that make it not ready first. Empty: all is well.
[[nodiscard]] std::vector<std::string> troubles(const Snapshot& now);

}  // namespace otpgw::ops
