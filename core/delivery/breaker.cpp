#include "core/delivery/breaker.h"

#include <algorithm>

namespace otpgw::delivery {

Breaker::State Breaker::state(Clock::time_point now) const {
  if (pause_.count() == 0) return State::closed;
  return now < opened_at_ + pause_ ? State::open : State::half_open;
}

Breaker::Change Breaker::note(Sign sign, Clock::time_point begun, Clock::time_point now) {
  const auto before = state(now);
  if (before == State::open) return Change::none;
  if (sign == Sign::success) {
    failures_ = 0;
    pause_ = {};
    return before == State::half_open ? Change::closed : Change::none;
  }
  if (before == State::half_open && begun < opened_at_ + pause_) return Change::none;
  if (before == State::closed && sign == Sign::failure && ++failures_ < kFailuresMax) return Change::none;
  failures_ = 0;
  pause_ = std::clamp<std::chrono::milliseconds>(pause_ * 2, kPauseMin, kPauseMax);
  opened_at_ = now;
  return before == State::closed ? Change::opened : Change::reopened;
}

}  // namespace otpgw::delivery
