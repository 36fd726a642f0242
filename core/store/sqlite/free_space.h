// How much the database's file system has left: store.min_free. New OTPs stop before the disk is full, so
// that the checks and deliveries of those that are there go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace otpgw::store::sqlite {

class FreeSpace {
 public:
  // `bytes_min` 0: never short of it.
  FreeSpace(std::filesystem::path folder, int64_t bytes_min)
      : folder_(std::move(folder)), bytes_min_(bytes_min) {}

  // Any thread. Asks the file system once a second at most, and logs when the answer changes.
  [[nodiscard]] bool enough();
  // Any thread. Asks the file system; -1 when it does not say.
  [[nodiscard]] int64_t bytes() const;

 private:
  const std::filesystem::path folder_;
  const int64_t bytes_min_;
  std::atomic<int64_t> asked_at_ms_ = 0;  // steady clock
  std::atomic<bool> enough_ = true;
};

}  // namespace otpgw::store::sqlite
