#include "core/store/sqlite/free_space.h"

#include <sys/statvfs.h>

#include <chrono>
#include <string>

#include "core/ops/log.h"

namespace otpgw::store::sqlite {

int64_t FreeSpace::bytes() const {
  struct statvfs info {};
  if (::statvfs(folder_.c_str(), &info) != 0) return -1;
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

bool FreeSpace::enough() {
  constexpr int64_t kAskEveryMs = 1000;
  if (bytes_min_ == 0) return true;
  using namespace std::chrono;
  const int64_t now_ms = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  auto asked_at = asked_at_ms_.load();
  if (now_ms - asked_at < kAskEveryMs || !asked_at_ms_.compare_exchange_strong(asked_at, now_ms))
    return enough_;
  const auto free_bytes = bytes();
  if (free_bytes < 0) return enough_;  // a write will say what is wrong
  const bool enough = free_bytes >= bytes_min_;
  if (enough_.exchange(enough) != enough) {
    constexpr int64_t kMebibyte = 1 << 20;
    const auto numbers = std::to_string(free_bytes / kMebibyte) + " MiB free in " + folder_.string() +
                         ", store.min_free is " + std::to_string(bytes_min_ / kMebibyte) + " MiB";
    if (enough)
      ops::log_info("taking new OTPs again: " + numbers);
    else
      ops::log_error("taking no new OTP until there is more space: " + numbers);
  }
  return enough;
}

}  // namespace otpgw::store::sqlite
