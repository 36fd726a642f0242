// The OTP service on the real store, provider gate and composer.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "core/limits/policy.h"
#include "core/message/setup.h"
#include "core/ops/metrics.h"
#include "core/otp/code.h"
#include "core/otp/limit_report.h"
#include "core/otp/provider_gate.h"
#include "core/otp/sending_waiters.h"
#include "core/otp/service.h"
#include "core/store/store.h"

namespace otpgw::otp {

class OtpService final : public Service {
 public:
  // Everything given must outlive the service.
  struct Parts {
    store::Store& store;
    ProviderGate& gate;
    const CodeVault& vault;
    const Clock& clock;
    ops::Metrics& metrics;
    Scheduler scheduler;
  };
  OtpService(Parts parts, std::shared_ptr<const message::Setup> setup);
  ~OtpService() override;

  // Loop's thread: requests that come from now on go by this; those under way end as they began.
  void reconfigure(std::shared_ptr<const message::Setup> setup);

  void put(PutRequest request, Done done) override;
  void check(CheckRequest request, Done done) override;
  void resend(std::string name_space, std::string id, Door door, std::chrono::milliseconds wait,
              Done done) override;
  void status(std::string name_space, std::string id, bool consume, Done done) override;
  Outcome find(std::string_view name_space, std::string_view id) override;
  [[nodiscard]] bool may_view(std::string_view name_space, std::string_view id,
                              std::string_view key) const override;
  void set_address(std::string name_space, std::string id, std::string to, std::string expected,
                   Done done) override;
  void clear_limits(std::string name_space, std::string to, std::string provider, Cleared done) override;
  [[nodiscard]] std::shared_ptr<const wire::Descriptor> descriptor(std::string_view provider) const override;

  // Loop's thread: a sending (store::Written::sending) has ended; answers who waits for it.
  void sending_ended(int64_t sending, Delivery delivery);
  // Loop's thread: the provider's breaker has opened, or closed again. While it is open, its queued jobs say
  // so.
  void breaker_changed(const std::string& provider, bool open);
  // Loop's thread, at shutdown: answers everybody who waits with what is known; nobody waits from now on.
  void stop_waiting();

 private:
  using SetupPtr = std::shared_ptr<const message::Setup>;
  // Whether the namespace wants codes in its answers.
  [[nodiscard]] bool shows_code(std::string_view name_space) const;
  [[nodiscard]] Answer answer(Otp otp, bool with_code) const;
  // Turns a write's outcome into the caller's.
  [[nodiscard]] Outcome outcome(std::expected<store::Written, store::Error> written, bool with_code,
                                bool is_check) const;
  void after_write(std::expected<store::Written, store::Error> written, bool with_code,
                   std::chrono::milliseconds wait, Done done);
  // A limit that was reached.
  void report(const std::expected<store::Written, store::Error>& written);
  // A queued job that a write ended: counts it, answers who waits for it.
  void end_job(const std::expected<store::Written, store::Error>& written);
  void count_check(const std::expected<store::Written, store::Error>& written);
  // Asks every provider; with an empty address only whether it is known.
  void validate(const std::vector<std::string>& providers, const std::string& to,
                std::move_only_function<void(std::vector<AddressCheck>)> done);
  void put_checked(const SetupPtr& setup, PutRequest request, const std::vector<AddressCheck>& checks,
                   Done done);
  // Sets the code's fields of a record.
  void set_code(Otp& otp, std::string_view code) const;
  // A refusal when a provider can't use the address, or codes are not sent to its country; fills to and
  // to_normalised otherwise.
  [[nodiscard]] std::optional<Refusal> take_address(Otp& otp, const std::string& to,
                                                    const std::vector<AddressCheck>& checks);
  // An absent worker's step takes the country that another one's worker found; when nobody did, a policy that
  // only monitors lets it pass.
  [[nodiscard]] std::optional<Refusal> check_countries(const Otp& otp,
                                                       const std::vector<std::string>& providers,
                                                       const std::vector<AddressCheck>& checks);
  // The longest code that all providers take; nothing while one of them is not known yet.
  [[nodiscard]] std::optional<uint32_t> code_length_max(const std::vector<std::string>& providers) const;
  // A refusal when a provider's message would be too long.
  [[nodiscard]] std::optional<Refusal> check_size(const message::Setup& setup, const Otp& otp,
                                                  std::string_view code) const;

  // A refusal when a provider of a stored OTP is not enabled any more.
  [[nodiscard]] std::optional<Refusal> disabled(const std::vector<std::string>& providers) const;

  Parts parts_;
  SetupPtr setup_;
  std::shared_ptr<const limits::Policy> policy_;  // of setup_
  LimitReport limit_report_;
  std::set<std::string, std::less<>> paused_;  // providers whose breaker is open
  bool stopping_ = false;
  SendingWaiters waiters_;
};

}  // namespace otpgw::otp
