#include "core/otp/sending_waiters.h"

namespace otpgw::otp {
namespace {

// Requests parked for one provider; some hundred bytes each. One that hangs keeps no other's from waiting.
constexpr std::size_t kWaitersMax = 4'000;

}  // namespace

bool SendingWaiters::full(const std::string& provider) const {
  const auto count = counts_.find(provider);
  return count != counts_.end() && count->second >= kWaitersMax;
}

void SendingWaiters::add(const std::string& provider, int64_t sending, std::chrono::milliseconds wait,
                         Ended ended) {
  ++counts_[provider];
  const auto entry = waiting_.emplace(sending, Waiter{provider, 0, std::move(ended)});
  entry->second.timer = scheduler_.after(wait, [this, entry] { end(entry, {}); });
}

void SendingWaiters::sending_ended(int64_t sending, const Delivery& delivery) {
  for (auto entry = waiting_.find(sending); entry != waiting_.end(); entry = waiting_.find(sending)) {
    scheduler_.cancel(entry->second.timer);
    end(entry, delivery);
  }
}

void SendingWaiters::stop() {
  while (!waiting_.empty()) {
    scheduler_.cancel(waiting_.begin()->second.timer);
    end(waiting_.begin(), {});
  }
}

void SendingWaiters::end(Waiting::iterator entry, std::optional<Delivery> delivery) {
  const auto count = counts_.find(entry->second.provider);
  if (--count->second == 0) counts_.erase(count);
  auto ended = std::move(entry->second.ended);
  waiting_.erase(entry);
  ended(std::move(delivery));
}

}  // namespace otpgw::otp
