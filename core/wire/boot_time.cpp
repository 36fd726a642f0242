#include "core/wire/boot_time.h"

#include <ctime>
#include <fstream>

namespace otpgw::wire {

int64_t boot_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

const std::string& boot_id() {
  static const std::string id = [] {
    std::string line;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> line;
    return line;
  }();
  return id;
}

}  // namespace otpgw::wire
