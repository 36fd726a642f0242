// How a worker process ends. 3 and more are faults of the plug-in.
#pragma once

namespace otpgw::worker {

inline constexpr int kExitDrained = 0;
inline constexpr int kExitFailed = 1;         // what may pass: no memory, no descriptor, the plug-in's init
inline constexpr int kExitRefused = 2;        // options, configuration or plug-in: its unit starts it no more
inline constexpr int kExitHungCall = 3;       // a call into the plug-in did not come back
inline constexpr int kExitMemoryDamaged = 4;  // the plug-in wrote where it must not
inline constexpr int kExitMemoryFull = 5;     // drained, because the process had grown too large
inline constexpr int kExitByPlugin = 6;       // the plug-in called exit(), with whatever status

}  // namespace otpgw::worker
