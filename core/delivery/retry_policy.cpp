#include "core/delivery/retry_policy.h"

#include <algorithm>
#include <array>

namespace otpgw::delivery {

std::chrono::milliseconds pause_after(int tries, double jitter) {
  constexpr std::array kPausesMs = {1000, 3000, 8000, 20000};
  const auto step = std::clamp(tries - 1, 0, static_cast<int>(kPausesMs.size()) - 1);
  return std::chrono::milliseconds{static_cast<int64_t>(kPausesMs[static_cast<std::size_t>(step)] *
                                                        (1 + 0.2 * std::clamp(jitter, -1.0, 1.0)))};
}

}  // namespace otpgw::delivery
