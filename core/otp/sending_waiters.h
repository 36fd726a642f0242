// Requests that wait for the end of a sending (store::Written::sending). Loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/otp/otp.h"
#include "core/otp/scheduler.h"

namespace otpgw::otp {

class SendingWaiters {
 public:
  using Ended = std::move_only_function<void(std::optional<Delivery>)>;  // nothing: the time is up

  // `scheduler` must outlive it.
  explicit SendingWaiters(const Scheduler& scheduler) : scheduler_(scheduler) {}

  // As many wait for this provider as may; further ones are to be answered at once.
  [[nodiscard]] bool full(const std::string& provider) const;
  // Calls `ended` once: at the sending's end, when the time is up, or at stop().
  void add(const std::string& provider, int64_t sending, std::chrono::milliseconds wait, Ended ended);
  void sending_ended(int64_t sending, const Delivery& delivery);
  void stop();

 private:
  struct Waiter {
    std::string provider;
    uint64_t timer;
    Ended ended;
  };
  using Waiting = std::multimap<int64_t, Waiter>;  // by sending
  void end(Waiting::iterator entry, std::optional<Delivery> delivery);

  const Scheduler& scheduler_;
  Waiting waiting_;
  std::map<std::string, std::size_t> counts_;  // by provider
};

}  // namespace otpgw::otp
