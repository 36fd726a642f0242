// The gateway's clock: wall time as it was when this boot was first seen, carried on by the time since the
// boot. Setting the wall clock neither lengthens nor shortens a code's life, also across restarts of the
// core; after a reboot the wall clock counts anew.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "core/otp/otp.h"

namespace otpgw::otp {

class BootClock final : public Clock {
 public:
  static constexpr const char* kFile = "clock";  // its name in app.data_dir

  // `file` keeps the boot's id and when it began; made on the first start of each boot. The error is one
  // line.
  [[nodiscard]] static std::expected<BootClock, std::string> open(const std::filesystem::path& file);
  // The same for a program beside the core: writes nothing, and takes wall time when the core has not been
  // started in this boot.
  [[nodiscard]] static BootClock read(const std::filesystem::path& file);
  [[nodiscard]] UnixMs now() const override;

 private:
  explicit BootClock(UnixMs booted_at) : booted_at_(booted_at) {}
  UnixMs booted_at_;
};

}  // namespace otpgw::otp
