// Tells operators of limits that have been reached: a metric for each time, and a line of the log, of which
// an attacker can cause only a few. Loop's thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/limits/limit.h"
#include "core/limits/policy.h"
#include "core/ops/metrics.h"

namespace otpgw::otp {

class LimitReport {
 public:
  // Both must outlive it.
  LimitReport(ops::Metrics& metrics, const CodeVault& vault) : metrics_(metrics), vault_(vault) {}

  // `who` is an address, or a client's network: the log gets its tag.
  void reached(limits::Limit limit, bool enforced, std::string_view name_space, std::string_view who);

 private:
  using Clock = std::chrono::steady_clock;

  ops::Metrics& metrics_;
  const CodeVault& vault_;
  Clock::time_point second_began_{};
  int lines_ = 0;  // in this second
  int left_out_ = 0;
};

}  // namespace otpgw::otp
