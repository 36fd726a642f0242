// What a program does that holds codes and credentials and may crash, by other people's code too.
#pragma once

#include <sys/resource.h>

namespace otpgw::wire {

// For this process and all that it starts.
inline void make_no_core_files() {
  constexpr rlimit kNone{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNone);
}

}  // namespace otpgw::wire
