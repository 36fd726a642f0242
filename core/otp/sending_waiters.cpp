#include "core/otp/sending_waiters.h"

namespace otpgw::otp {
namespace {

constexpr std::size_t kWaitersMax = 10'000;  // requests parked; some hundred bytes each

}  // namespace

bool SendingWaiters::full() const { return waiting_.size() >= kWaitersMax; }

void SendingWaiters::add(int64_t sending, std::chrono::milliseconds wait, Ended ended) {
  const auto entry = waiting_.emplace(sending, Waiter{0, std::move(ended)});
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
  auto ended = std::move(entry->second.ended);
  waiting_.erase(entry);
  ended(std::move(delivery));
}

}  // namespace otpgw::otp
