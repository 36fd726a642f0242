// Notices a plug-in that leaks, before the machine does.
#pragma once

#include <chrono>
#include <cstddef>

namespace otpgw::worker {

// Of this process.
[[nodiscard]] std::size_t resident_bytes();

// A worker at work has 20 to 60 MiB resident.
inline constexpr std::size_t kMemoryBytesMax = std::size_t{512} << 20;

class MemoryWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // Makes the kernel, when the machine runs out of memory, end this process before the core and others.
  MemoryWatch();

  // Whether the process is larger than kMemoryBytesMax. Looks at most once a second.
  [[nodiscard]] bool is_exceeded(Clock::time_point now);

 private:
  Clock::time_point next_look_{};
};

}  // namespace otpgw::worker
