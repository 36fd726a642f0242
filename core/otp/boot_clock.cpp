#include "core/otp/boot_clock.h"

#include <fstream>
#include <system_error>

#include "core/wire/boot_time.h"

namespace otpgw::otp {

std::expected<BootClock, std::string> BootClock::open(const std::filesystem::path& file) {
  const auto& boot = wire::boot_id();
  std::string known_boot;
  UnixMs booted_at = 0;
  if (std::ifstream(file) >> known_boot >> booted_at && known_boot == boot && !boot.empty())
    return BootClock(booted_at);
  booted_at = SystemClock().now() - wire::boot_ms();
  // Under another name first: a half-written file would be another boot's. It need not outlive this boot, so
  // it is not synced.
  const auto half = file.string() + ".new";
  {
    std::ofstream out(half);
    out << boot << ' ' << booted_at << '\n';
    if (!out.flush()) return std::unexpected(half + ": can't write it; is the disk full?");
  }
  std::error_code error;
  std::filesystem::rename(half, file, error);
  if (error) return std::unexpected(file.string() + ": can't write it: " + error.message());
  return BootClock(booted_at);
}

UnixMs BootClock::now() const { return booted_at_ + wire::boot_ms(); }

}  // namespace otpgw::otp
