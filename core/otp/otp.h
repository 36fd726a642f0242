// The OTP and its delivery: value types that the service, the store and the pages share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace otpgw::otp {

// Milliseconds since 1970-01-01 UTC by the gateway's clock (boot_clock.h), which wall time need not agree
// with.
using UnixMs = int64_t;

// What time it is: injected, so that tests own it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual UnixMs now() const = 0;
};

// Wall time: may be set forward and back at any moment.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] UnixMs now() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

enum class DeliveryState : uint8_t { none = 0, queued, sending, sent, failed, expired, unknown };

// How the send of the current code stands. The numbers of the states are stored: never renumber.
struct Delivery {
  DeliveryState state = DeliveryState::none;
  int tries = 0;
  std::string detail;  // for operators: no code, no address
  std::string upstream_id;

  // It is not sent yet, and something is in its way.
  [[nodiscard]] bool retrying() const {
    return (state == DeliveryState::queued || state == DeliveryState::sending) &&
           (tries > 0 || !detail.empty());
  }
};

[[nodiscard]] constexpr const char* to_string(DeliveryState state) {
  switch (state) {
    case DeliveryState::none:
      return "none";
    case DeliveryState::queued:
      return "queued";
    case DeliveryState::sending:
      return "sending";
    case DeliveryState::sent:
      return "sent";
    case DeliveryState::failed:
      return "failed";
    case DeliveryState::expired:
      return "expired";
    case DeliveryState::unknown:
      return "unknown";
  }
  return "unknown";
}
[[nodiscard]] constexpr bool is_final(DeliveryState state) {
  return state != DeliveryState::queued && state != DeliveryState::sending;
}

// One provider of a list.
struct Step {
  std::string provider;
  std::string to_normalised;  // the address as this provider understood it
  int64_t job = 0;            // row of its latest send job, 0 without one
  Delivery delivery;          // of that job
};

// The providers that are tried one after the other, when the application named several.
struct Fallback {
  std::vector<Step> steps;  // in the application's order; empty: there is one provider only
  std::size_t current = 0;  // Otp::provider, to_normalised and delivery are this step's
  std::size_t first = 0;    // with which this sending began: 0, or where a resend went on
  int64_t timeout_ms = 0;   // of a step
  UnixMs ends_at = 0;       // when the next step's turn comes unless this one is sent; 0: never
};

// One OTP as it stands in the store.
struct Otp {
  std::string name_space;
  std::string id;
  std::string to;             // as given
  std::string to_normalised;  // as the provider understood it; what is sent to
  bool to_from_page = false;  // collected by the address page: only such an address may be changed there
  std::string provider;       // of a list: the current one
  std::string channel_description, address_description;
  std::string locale;        // tag of the person's language, "" for unknown
  std::string return_url;    // of the application: where the pages lead back to; or ""
  std::string extra = "{}";  // JSON, verbatim
  int attempts = 1;          // the attempt the person is on; above max_attempts: locked
  int max_attempts = 0;
  int generate = 1;
  int max_generate = 0;
  bool closed = false;
  bool skip_delete = false;
  bool code_is_digits = true;
  int code_length = 0;      // code points
  std::string code_hash;    // CodeVault::hash
  std::string code_sealed;  // CodeVault::seal
  UnixMs expires_at = 0;    // the code's end
  UnixMs keep_until =
      0;               // the record's end: later than expires_at only for a closed one (status may still ask)
  std::string client;  // limits::Policy::client_key; empty: the application named none
  Delivery delivery;
  UnixMs queued_at = 0;  // when the current send job was queued; 0 without one
  Fallback fallback;

  [[nodiscard]] bool has_fallback() const { return !fallback.steps.empty(); }
  // Its delivery has ended: nothing but a resend sends it again.
  [[nodiscard]] bool delivery_ended() const { return is_final(delivery.state) && fallback.ends_at == 0; }
  // What people are told, so that they don't wait in vain: a try failed, or no worker takes the job.
  [[nodiscard]] bool retrying(UnixMs now) const {
    constexpr int64_t kTakenWithinMs = 10'000;  // longer than a burst of codes keeps a worker
    const bool waits =
        delivery.state == DeliveryState::queued && queued_at != 0 && now - queued_at >= kTakenWithinMs;
    return waits || delivery.retrying();
  }
  [[nodiscard]] bool locked() const { return attempts > max_attempts; }
  [[nodiscard]] bool live(UnixMs now) const { return now < expires_at; }
  // How long until a person may ask for the code again. One that did not go out may be asked for at once.
  [[nodiscard]] int64_t resend_wait_ms(UnixMs now, std::chrono::milliseconds cooldown) const {
    if (queued_at == 0 || delivery.state == DeliveryState::failed || delivery.state == DeliveryState::expired)
      return 0;
    const auto passed = now - queued_at;  // negative: by a clock that has been wrong
    return passed < 0 || passed >= cooldown.count() ? 0 : cooldown.count() - passed;
  }
  // What is left of the code's life, rounded up.
  [[nodiscard]] int64_t ttl_seconds(UnixMs now) const {
    return expires_at > now ? (expires_at - now + 999) / 1000 : 0;
  }
};

}  // namespace otpgw::otp
