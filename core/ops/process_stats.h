// What this process uses, from /proc/self. What can't be read is 0.
#pragma once

#include <cstdint>

namespace otpgw::ops {

struct ProcessStats {
  double cpu_seconds = 0;  // user and system
  int64_t resident_bytes = 0;
  int open_descriptors = 0;
  uint64_t descriptors_max = 0;
  double start_unix_seconds = 0;
};

[[nodiscard]] ProcessStats process_stats();

}  // namespace otpgw::ops
