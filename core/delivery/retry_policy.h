// When a job that was not sent is tried again.
#pragma once

#include <chrono>

namespace otpgw::delivery {

// The pause after the `tries`-th call (1 = the first) that came back with RETRY: 1, 3, 8, then every 20 s.
// `jitter` in
// [-1, 1] moves it by up to 20 %, so that jobs that failed together do not come back together.
[[nodiscard]] std::chrono::milliseconds pause_after(int tries, double jitter);

// How long a job waits at least when its provider says that it is unusable (bad credentials): no try is
// counted. The provider's breaker opens for as long at the same moment; this is for the job whose provider is
// unusable on some of its threads only.
inline constexpr std::chrono::milliseconds kBrokenPause{5000};

// A job under which this many workers died is not tried again.
inline constexpr int kDeathsMax = 3;

}  // namespace otpgw::delivery
