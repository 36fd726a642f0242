// What the OTP service asks of a provider's worker, without knowing how workers are reached.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/wire/messages.h"

namespace otpgw::otp {

// What a provider says of an address.
struct AddressCheck {
  enum class Verdict : uint8_t {
    valid,
    invalid,    // `sentence` says why
    too_long,   // likewise
    unchecked,  // no worker answered in time: the stored descriptor's length check has to do, and the job
                // waits
    not_ready   // not even a descriptor: nothing is known of this provider yet
  };
  Verdict verdict = Verdict::not_ready;
  std::string sentence;
  std::string normalised;  // when valid; empty: as given
  std::string country;     // when valid and known: of a phone number, ISO 3166-1 alpha-2 ("DE")
};

// Loop's thread; callbacks too, perhaps before the call returns.
class ProviderGate {
 public:
  virtual ~ProviderGate() = default;
  // Null until the provider has been ready once, now or in a former run.
  [[nodiscard]] virtual std::shared_ptr<const wire::Descriptor> descriptor(
      std::string_view provider) const = 0;
  // Calls back once the provider has been ready since the start, or after 2 s without.
  virtual void await_ready(std::string provider, std::move_only_function<void()> done) = 0;
  // Implies await_ready. Bounded by 500 ms from then on.
  virtual void validate(std::string provider, std::string address,
                        std::move_only_function<void(AddressCheck)> done) = 0;
};

}  // namespace otpgw::otp
