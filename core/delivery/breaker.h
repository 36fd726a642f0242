// A provider's circuit breaker: whether its jobs are worth handing out. A provider that can't send must not
// keep taking jobs away from the queue, where they could wait without a try counted, or expire on time.
//
//   closed ─ BROKEN, or kFailuresMax failures in a row ─→ open ─ a pause ─→ half-open ─ success ─→ closed
//                                                          ↑  the next, longer, pause  │
//                                                          └───────── failure ─────────┘
//
// A pure state machine: whoever owns it says what happened and when.
#pragma once

#include <chrono>
#include <cstdint>

namespace otpgw::delivery {

class Breaker {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State : uint8_t {
    closed,    // all is well: any number of jobs
    open,      // none
    half_open  // one at a time, to find out
  };
  // What a call to the provider showed.
  enum class Sign : uint8_t {
    success,  // it answered, be it with SENT or with a refusal of the address
    failure,  // not sent, perhaps sent, or its worker died
    broken    // it says itself that it can't work
  };
  enum class Change : uint8_t { none, opened, reopened, closed };

  // Some addresses fail for reasons of their own (grey-listing, a full mailbox): at that many in a row, of
  // any jobs, it is the provider.
  static constexpr int kFailuresMax = 10;
  // Doubled from try to try. The first: by then a restarted server is back. The last: nobody waits more than
  // a minute longer than the provider's own outage.
  static constexpr std::chrono::seconds kPauseMin{5}, kPauseMax{60};

  [[nodiscard]] State state(Clock::time_point now) const;
  // `begun`: when the call was handed out. Calls from before the breaker opened can't open it again.
  Change note(Sign sign, Clock::time_point begun, Clock::time_point now);
  // The pause between open and half-open. Zero while closed.
  [[nodiscard]] std::chrono::milliseconds pause() const { return pause_; }

 private:
  int failures_ = 0;  // in a row, while closed
  std::chrono::milliseconds pause_{0};
  Clock::time_point opened_at_{};
};

}  // namespace otpgw::delivery
