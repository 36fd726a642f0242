// The OTP and its delivery: value types that the service, the store and the pages share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

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

// One OTP as it stands in the store.
struct Otp {
  std::string name_space;
  std::string id;
  std::string to;             // as given
  std::string to_normalised;  // as the provider understood it; what is sent to
  bool to_from_page = false;  // collected by the address page: only such an address may be changed there
  std::string provider;
  std::string channel_description, address_description;
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
      0;  // the record's end: later than expires_at only for a closed one (status may still ask)
  Delivery delivery;

  [[nodiscard]] bool locked() const { return attempts > max_attempts; }
  [[nodiscard]] bool live(UnixMs now) const { return now < expires_at; }
  // What is left of the code's life, rounded up.
  [[nodiscard]] int64_t ttl_seconds(UnixMs now) const {
    return expires_at > now ? (expires_at - now + 999) / 1000 : 0;
  }
};

}  // namespace otpgw::otp
