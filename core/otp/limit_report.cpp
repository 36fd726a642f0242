#include "core/otp/limit_report.h"

#include <utility>

#include "core/ops/log.h"

namespace otpgw::otp {
namespace {

constexpr int kLinesMax = 10;  // in a second

}  // namespace

void LimitReport::reached(limits::Limit limit, bool enforced, std::string_view name_space,
                          std::string_view who) {
  metrics_.limit_reached(limits::name(limit), enforced);
  const auto now = Clock::now();
  if (now - second_began_ >= std::chrono::seconds{1}) {
    second_began_ = now;
    lines_ = 0;
  }
  if (++lines_ > kLinesMax) {
    ++left_out_;
    return;
  }
  std::string line(enforced ? "refused: limits." : "would be refused: limits.");
  line.append(limits::name(limit));
  if (!name_space.empty()) line.append(" in namespace ").append(name_space);
  line.append(", address tag ").append(limits::address_tag(vault_, who));
  if (const auto left_out = std::exchange(left_out_, 0); left_out > 0)
    line.append("; ").append(std::to_string(left_out)).append(" more before this one");
  ops::log_warning(line);
}

}  // namespace otpgw::otp
