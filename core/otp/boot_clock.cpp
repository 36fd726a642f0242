#include "core/otp/boot_clock.h"

#include <fstream>
#include <optional>
#include <utility>

#include "core/otp/private_file.h"
#include "core/wire/boot_time.h"

namespace otpgw::otp {

namespace {

std::optional<UnixMs> noted(const std::filesystem::path& file) {
  const auto& boot = wire::boot_id();
  std::string known_boot;
  UnixMs booted_at = 0;
  if (std::ifstream(file) >> known_boot >> booted_at && known_boot == boot && !boot.empty()) return booted_at;
  return {};
}

UnixMs by_wall_time() { return SystemClock().now() - wire::boot_ms(); }

}  // namespace

std::expected<BootClock, std::string> BootClock::open(const std::filesystem::path& file) {
  if (const auto booted_at = noted(file)) return BootClock(*booted_at);
  const auto booted_at = by_wall_time();
  if (auto written = replace_file(file, wire::boot_id() + ' ' + std::to_string(booted_at) + '\n'); !written)
    return std::unexpected(std::move(written.error()));
  return BootClock(booted_at);
}

BootClock BootClock::read(const std::filesystem::path& file) {
  return BootClock(noted(file).value_or(by_wall_time()));
}

UnixMs BootClock::now() const { return booted_at_ + wire::boot_ms(); }

}  // namespace otpgw::otp
