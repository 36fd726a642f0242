// What a program does that holds codes and credentials, and runs other people's code that may crash.
#pragma once

#include <sys/resource.h>

namespace otpgw::worker {

// For this process and all that it starts.
inline void make_no_core_files() {
  constexpr rlimit kNone{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNone);
}

}  // namespace otpgw::worker
