// The loop, as far as the OTP service needs it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace otpgw::otp {

struct Scheduler {
  std::function<void(std::move_only_function<void()>)> post;  // any thread; runs on the loop's
  std::function<uint64_t(std::chrono::milliseconds, std::move_only_function<void()>)> after;  // loop's thread
  std::function<void(uint64_t)> cancel;                                                       // loop's thread
};

}  // namespace otpgw::otp
