// How a worker process ends. What is not 0 or 2 is a fault of the plug-in.
#pragma once

namespace otpgw::worker {

inline constexpr int kExitDrained = 0;
inline constexpr int kExitRefused = 2;        // options, configuration or plug-in
inline constexpr int kExitHungCall = 3;       // a call into the plug-in did not come back
inline constexpr int kExitMemoryDamaged = 4;  // the plug-in wrote where it must not
inline constexpr int kExitMemoryFull = 5;     // drained, because the process had grown too large

}  // namespace otpgw::worker
