// The OTP service on the real store, provider gate and composer.
#pragma once

#include <functional>
#include <memory>

#include "core/config/config.h"
#include "core/message/composer.h"
#include "core/ops/metrics.h"
#include "core/otp/code.h"
#include "core/otp/provider_gate.h"
#include "core/otp/service.h"
#include "core/store/store.h"

namespace otpgw::otp {

// The loop, as far as the service needs it.
struct Scheduler {
  std::function<void(std::move_only_function<void()>)> post;  // any thread; runs on the loop's
  std::function<uint64_t(std::chrono::milliseconds, std::move_only_function<void()>)> after;  // loop's thread
  std::function<void(uint64_t)> cancel;                                                       // loop's thread
};

class OtpService final : public Service {
 public:
  // Everything given must outlive the service.
  struct Parts {
    const config::Config& config;
    store::Store& store;
    ProviderGate& gate;
    const message::Composer& composer;
    const CodeVault& vault;
    const Clock& clock;
    ops::Metrics& metrics;
    Scheduler scheduler;
  };
  explicit OtpService(Parts parts);
  ~OtpService() override;

  void put(PutRequest request, Done done) override;
  void check(CheckRequest request, Done done) override;
  void resend(std::string name_space, std::string id, std::chrono::milliseconds wait, Done done) override;
  void status(std::string name_space, std::string id, bool consume, Done done) override;
  Outcome find(std::string_view name_space, std::string_view id) override;
  void set_address(std::string name_space, std::string id, std::string to, std::string expected_to,
                   Done done) override;
  [[nodiscard]] std::shared_ptr<const wire::Descriptor> descriptor(std::string_view provider) const override;

  // Loop's thread: a send job has ended; answers who waits for it.
  void job_ended(int64_t job, Delivery delivery);
  // Loop's thread, at shutdown: answers everybody who waits with what is known; nobody waits from now on.
  void stop_waiting();

 private:
  class Waiters;
  // Where the answer's code goes in is one place: allowed, and the namespace wants it.
  [[nodiscard]] Answer answer(Otp otp, bool with_code) const;
  // Turns a write's outcome into the caller's.
  [[nodiscard]] Outcome outcome(std::expected<store::Written, store::Error> written, bool with_code,
                                bool is_check) const;
  void after_write(std::expected<store::Written, store::Error> written, bool with_code,
                   std::chrono::milliseconds wait, Done done);
  // A queued job that a write ended: counts it, answers who waits for it.
  void end_job(const std::expected<store::Written, store::Error>& written);
  void count_check(const std::expected<store::Written, store::Error>& written);
  void put_checked(PutRequest request, AddressCheck address, Done done);
  // Sets the code's fields of a record.
  void set_code(Otp& otp, std::string_view code) const;
  // A refusal when the address can't be used; fills to and to_normalised otherwise.
  [[nodiscard]] std::optional<Refusal> take_address(Otp& otp, const std::string& to,
                                                    const AddressCheck& check) const;
  [[nodiscard]] std::optional<Refusal> check_size(const Otp& otp, std::string_view code) const;

  // A refusal when the provider of a stored OTP is not enabled any more.
  [[nodiscard]] std::optional<Refusal> disabled(std::string_view provider) const;

  Parts parts_;
  bool stopping_ = false;
  std::unique_ptr<Waiters> waiters_;
};

}  // namespace otpgw::otp
