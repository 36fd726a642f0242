#include "core/otp/otp_service.h"

#include <map>

#include "core/otp/rules.h"
#include "core/otp/text.h"

namespace otpgw::otp {
namespace {

using Kind = Refusal::Kind;

constexpr std::size_t kIdBytes = 16;  // of a random id: 32 hexadecimal characters
constexpr std::size_t kAddressBytesMax = 254;
constexpr std::size_t kWaitersMax =
    10'000;  // requests parked for a delivery; beyond, they are answered at once

Refusal refuse(Kind kind, std::string message) {
  return {.kind = kind, .message = std::move(message), .otp = {}};
}

// A refusal that shows the OTP.
Refusal refuse(Kind kind, std::string message, Otp otp, UnixMs now) {
  auto refusal = refuse(kind, std::move(message));
  refusal.ttl_seconds = otp.ttl_seconds(now);
  refusal.otp = std::move(otp);
  return refusal;
}

// Whether the write did what was asked, and not an earlier one of the same Idempotency-Key.
bool is_new(const std::expected<store::Written, store::Error>& written) {
  return written && written->verdict == Verdict::done && !written->replayed;
}

Refusal unavailable(std::string message) {
  auto refusal = refuse(Kind::unavailable, std::move(message));
  refusal.retry_after = std::chrono::seconds{1};
  return refusal;
}

}  // namespace

// Requests that wait for the end of a send. Loop's thread.
class OtpService::Waiters {
 public:
  using Ended = std::move_only_function<void(std::optional<Delivery>)>;  // nothing: the time is up
  explicit Waiters(const Scheduler& scheduler) : scheduler_(scheduler) {}

  [[nodiscard]] bool full() const { return waiting_.size() >= kWaitersMax; }

  void add(int64_t job, std::chrono::milliseconds wait, Ended ended) {
    const auto entry = waiting_.emplace(job, Waiter{0, std::move(ended)});
    entry->second.timer = scheduler_.after(wait, [this, entry] {
      auto callback = std::move(entry->second.ended);
      waiting_.erase(entry);
      callback({});
    });
  }

  void job_ended(int64_t job, const Delivery& delivery) {
    for (auto entry = waiting_.find(job); entry != waiting_.end(); entry = waiting_.find(job)) {
      scheduler_.cancel(entry->second.timer);
      auto callback = std::move(entry->second.ended);
      waiting_.erase(entry);
      callback(delivery);
    }
  }

  void stop() {
    while (!waiting_.empty()) {
      const auto entry = waiting_.begin();
      scheduler_.cancel(entry->second.timer);
      auto callback = std::move(entry->second.ended);
      waiting_.erase(entry);
      callback({});
    }
  }

 private:
  struct Waiter {
    uint64_t timer;
    Ended ended;
  };
  const Scheduler& scheduler_;
  std::multimap<int64_t, Waiter> waiting_;  // by job
};

OtpService::OtpService(Parts parts)
    : parts_(std::move(parts)), waiters_(std::make_unique<Waiters>(parts_.scheduler)) {}
OtpService::~OtpService() = default;

void OtpService::put(PutRequest request, Done done) {
  const auto provider = request.provider;
  if (!parts_.config.providers.contains(provider)) {
    return done(std::unexpected(refuse(Kind::invalid, "Unknown provider.")));
  }
  if (request.to.empty()) {
    const auto proceed = [this](PutRequest checked, Done then) {
      const auto verdict = parts_.gate.descriptor(checked.provider) ? AddressCheck::Verdict::valid
                                                                    : AddressCheck::Verdict::not_ready;
      put_checked(std::move(checked), {verdict, {}, {}}, std::move(then));
    };
    if (parts_.gate.descriptor(provider)) return proceed(std::move(request), std::move(done));
    return parts_.gate.await_ready(provider,
                                   [proceed, request = std::move(request), done = std::move(done)]() mutable {
                                     proceed(std::move(request), std::move(done));
                                   });
  }
  auto to = request.to;
  parts_.gate.validate(
      provider, std::move(to),
      [this, request = std::move(request), done = std::move(done)](AddressCheck address) mutable {
        put_checked(std::move(request), std::move(address), std::move(done));
      });
}

void OtpService::put_checked(PutRequest request, AddressCheck address, Done done) {
  const auto descriptor = parts_.gate.descriptor(request.provider);
  if (!descriptor) {
    return done(std::unexpected(unavailable("The provider is not ready yet. Please retry.")));
  }
  Otp wanted;
  if (!request.to.empty()) {
    if (auto refusal = take_address(wanted, request.to, address))
      return done(std::unexpected(std::move(*refusal)));
  }
  if (code_points(request.code) > descriptor->otp_length_max) {
    return done(std::unexpected(refuse(Kind::invalid, "Invalid `otp` value. This provider takes at most " +
                                                          std::to_string(descriptor->otp_length_max) +
                                                          " characters.")));
  }
  const auto& app = parts_.config.app;
  const auto now = parts_.clock.now();
  wanted.name_space = std::move(request.name_space);
  wanted.id = request.id.empty() ? random_hex(kIdBytes) : std::move(request.id);
  wanted.provider = std::move(request.provider);
  wanted.channel_description = std::move(request.channel_description);
  wanted.address_description = std::move(request.address_description);
  wanted.extra = std::move(request.extra);
  wanted.max_attempts = static_cast<int>(request.max_attempts.value_or(app.otp_max_attempts));
  wanted.max_generate = static_cast<int>(request.max_generate.value_or(app.otp_max_generate));
  wanted.skip_delete = request.skip_delete;
  wanted.expires_at = now + request.ttl_seconds.value_or(app.otp_ttl.count()) * 1000;
  wanted.keep_until = wanted.expires_at;
  const auto code = request.code.empty() ? random_digits(static_cast<int>(descriptor->otp_length_max))
                                         : std::move(request.code);
  set_code(wanted, code);
  if (!wanted.to.empty()) {
    if (auto refusal = check_size(wanted, code)) return done(std::unexpected(std::move(*refusal)));
  }
  parts_.store.put(
      std::move(wanted), std::move(request.idempotency),
      [this, wait = request.wait,
       done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
        parts_.scheduler.post([this, wait, done = std::move(done), written = std::move(written)]() mutable {
          if (is_new(written)) parts_.metrics.otp_created(written->otp.provider);
          after_write(std::move(written), true, wait, std::move(done));
        });
      });
}

void OtpService::check(CheckRequest request, Done done) {
  if (request.code.empty()) return done(std::unexpected(refuse(Kind::invalid, "`otp` is empty.")));
  Guess guess;
  guess.from_page = request.door == Door::page;
  guess.skip_delete = request.skip_delete;
  guess.hash = parts_.vault.hash(request.name_space, request.id, request.code);
  const auto digits = normalise_digits(request.code);
  guess.digits_hash =
      digits == request.code ? guess.hash : parts_.vault.hash(request.name_space, request.id, digits);
  const bool with_code = request.door == Door::api;
  parts_.store.check(
      std::move(request.name_space), std::move(request.id), std::move(guess), std::move(request.idempotency),
      [this, with_code, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
        parts_.scheduler.post(
            [this, with_code, done = std::move(done), written = std::move(written)]() mutable {
              end_job(written);
              count_check(written);
              done(outcome(std::move(written), with_code, true));
            });
      });
}

void OtpService::resend(std::string name_space, std::string id, std::chrono::milliseconds wait, Done done) {
  if (const auto current = find(name_space, id); current) {
    if (auto refusal = disabled(current->otp.provider)) return done(std::unexpected(std::move(*refusal)));
  }
  parts_.store.resend(
      std::move(name_space), std::move(id),
      [this, wait, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
        parts_.scheduler.post([this, wait, done = std::move(done), written = std::move(written)]() mutable {
          if (is_new(written)) parts_.metrics.otp_resent(written->otp.provider);
          after_write(std::move(written), false, wait, std::move(done));
        });
      });
}

void OtpService::status(std::string name_space, std::string id, bool consume, Done done) {
  if (consume) {
    return parts_.store.status(
        std::move(name_space), std::move(id), true,
        [this, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
          parts_.scheduler.post([this, done = std::move(done), written = std::move(written)]() mutable {
            done(outcome(std::move(written), true, false));
          });
        });
  }
  const auto found = parts_.store.find(name_space, id);
  if (!found) return done(std::unexpected(unavailable("Unable to reach store.")));
  auto decision = decide_status(*found ? &**found : nullptr, false, parts_.clock.now());
  done(outcome(store::Written{.verdict = decision.verdict, .otp = std::move(decision.otp)}, true, false));
}

Outcome OtpService::find(std::string_view name_space, std::string_view id) {
  auto found = parts_.store.find(name_space, id);
  if (!found) return std::unexpected(unavailable("Unable to reach store."));
  // A closed record may be kept longer than its code lives, but for `status` alone.
  if (!*found || !(*found)->live(parts_.clock.now()))
    return std::unexpected(refuse(Kind::not_found, "the OTP does not exist"));
  return answer(std::move(**found), false);
}

void OtpService::set_address(std::string name_space, std::string id, std::string to, std::string expected_to,
                             Done done) {
  auto current = find(name_space, id);
  if (!current) return done(std::move(current));
  if (to.empty()) return done(std::unexpected(refuse(Kind::invalid, "Please enter an address.")));
  auto otp = std::move(current->otp);
  const auto provider = otp.provider;
  if (auto refusal = disabled(provider)) return done(std::unexpected(std::move(*refusal)));
  parts_.gate.validate(
      provider, to,
      [this, otp = std::move(otp), to, expected_to = std::move(expected_to),
       done = std::move(done)](AddressCheck address) mutable {
        const auto descriptor = parts_.gate.descriptor(otp.provider);
        if (!descriptor)
          return done(std::unexpected(unavailable("The provider is not ready yet. Please retry.")));
        if (auto refusal = take_address(otp, to, address)) return done(std::unexpected(std::move(*refusal)));
        const auto code = random_digits(static_cast<int>(descriptor->otp_length_max));
        set_code(otp,
                 code);  // used when it replaces an address; the first address gets the code that PUT made
        if (auto refusal = check_size(otp, code)) return done(std::unexpected(std::move(*refusal)));
        parts_.store.set_address(
            std::move(otp), std::move(expected_to),
            [this, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
              parts_.scheduler.post([this, done = std::move(done), written = std::move(written)]() mutable {
                after_write(std::move(written), false, std::chrono::milliseconds{0}, std::move(done));
              });
            });
      });
}

std::shared_ptr<const wire::Descriptor> OtpService::descriptor(std::string_view provider) const {
  return parts_.gate.descriptor(provider);
}

void OtpService::job_ended(int64_t job, Delivery delivery) { waiters_->job_ended(job, delivery); }
void OtpService::stop_waiting() {
  stopping_ = true;
  waiters_->stop();
}

std::optional<Refusal> OtpService::disabled(std::string_view provider) const {
  if (parts_.config.providers.contains(provider)) return {};
  return unavailable("This OTP's provider is switched off.");
}

Answer OtpService::answer(Otp otp, bool with_code) const {
  Answer answer;
  answer.ttl_seconds = otp.ttl_seconds(parts_.clock.now());
  const auto name_space = parts_.config.namespaces.find(otp.name_space);
  if (with_code && name_space != parts_.config.namespaces.end() && name_space->second.return_otp) {
    answer.code = parts_.vault.open(otp.name_space, otp.id, otp.code_sealed).value_or("");
  }
  answer.otp = std::move(otp);
  return answer;
}

Outcome OtpService::outcome(std::expected<store::Written, store::Error> written, bool with_code,
                            bool is_check) const {
  if (!written) return std::unexpected(unavailable("Unable to reach store."));
  auto& otp = written->otp;
  const auto now = parts_.clock.now();
  switch (written->verdict) {
    case Verdict::done:
    case Verdict::still_sending:
      return answer(std::move(otp), with_code);
    case Verdict::not_found:
      return std::unexpected(refuse(Kind::not_found, "the OTP does not exist"));
    case Verdict::locked: {
      const auto seconds = std::max<int64_t>(1, otp.ttl_seconds(now));
      auto message =
          (is_check ? "Too many attempts. Please retry after " : "OTP attempts exceeded. Retry after ") +
          std::to_string(seconds) + " seconds.";
      auto refusal = refuse(Kind::locked, std::move(message), std::move(otp), now);
      refusal.retry_after = std::chrono::seconds{seconds};
      return std::unexpected(std::move(refusal));
    }
    case Verdict::wrong_code:
      return std::unexpected(refuse(Kind::wrong_code, "Incorrect OTP", std::move(otp), now));
    case Verdict::not_verified:
      return std::unexpected(refuse(Kind::not_verified, "OTP not verified.", std::move(otp), now));
    case Verdict::already_closed:
      return std::unexpected(refuse(Kind::invalid, "The OTP is already verified."));
    case Verdict::no_address:
      return std::unexpected(refuse(Kind::invalid, "The OTP has no `to` address yet."));
    case Verdict::changed:
      return std::unexpected(refuse(Kind::invalid, "The address has been changed in the meantime."));
    case Verdict::fixed_address:
      return std::unexpected(refuse(Kind::invalid, "This address can't be changed here."));
    case Verdict::key_conflict:
      return std::unexpected(
          refuse(Kind::conflict, "This Idempotency-Key was used before with other parameters."));
  }
  return std::unexpected(refuse(Kind::internal, "Internal error."));
}

void OtpService::end_job(const std::expected<store::Written, store::Error>& written) {
  if (!written || !written->ended_job) return;
  parts_.metrics.delivery_ended(written->ended_job->provider, ops::DeliveryEnd::expired);
  job_ended(written->ended_job->row, {DeliveryState::expired, 0, {}, {}});
}

void OtpService::count_check(const std::expected<store::Written, store::Error>& written) {
  using enum ops::CheckOutcome;
  if (!written || written->replayed) return;
  switch (written->verdict) {
    case Verdict::done:
      parts_.metrics.checked(right);
      if (written->closed) parts_.metrics.otp_verified(written->otp.provider);
      break;
    case Verdict::wrong_code:
      parts_.metrics.checked(wrong);
      break;
    case Verdict::locked:
      parts_.metrics.checked(locked);
      break;
    case Verdict::not_found:
      parts_.metrics.checked(not_found);
      break;
    default:
      break;  // nothing was evaluated
  }
}

void OtpService::after_write(std::expected<store::Written, store::Error> written, bool with_code,
                             std::chrono::milliseconds wait, Done done) {
  end_job(written);
  const auto job = written ? written->job : 0;
  auto result = outcome(std::move(written), with_code, false);
  const auto finish = [this](Outcome out, Done then) {
    if (out && out->otp.delivery.state == DeliveryState::failed) {
      return then(std::unexpected(
          refuse(Kind::delivery_failed, "Error sending OTP.", std::move(out->otp), parts_.clock.now())));
    }
    then(std::move(out));
  };
  if (wait.count() <= 0 || !result) return done(std::move(result));
  if (is_final(result->otp.delivery.state) || waiters_->full() || stopping_)
    return finish(std::move(result), std::move(done));
  waiters_->add(job, wait,
                [this, finish, result = std::move(result),
                 done = std::move(done)](std::optional<Delivery> delivery) mutable {
                  if (!delivery) {  // time is up: as far as it has come
                    if (auto now = parts_.store.find(result->otp.name_space, result->otp.id); now && *now) {
                      delivery = (*now)->delivery;
                    }
                  }
                  if (delivery) result->otp.delivery = std::move(*delivery);
                  result->ttl_seconds = result->otp.ttl_seconds(parts_.clock.now());
                  finish(std::move(result), std::move(done));
                });
}

void OtpService::set_code(Otp& otp, std::string_view code) const {
  otp.code_is_digits = is_digits(code);
  otp.code_length = static_cast<int>(code_points(code));
  otp.code_hash = parts_.vault.hash(otp.name_space, otp.id, code);
  otp.code_sealed = parts_.vault.seal(otp.name_space, otp.id, code);
}

std::optional<Refusal> OtpService::take_address(Otp& otp, const std::string& to,
                                                const AddressCheck& check) const {
  using Verdict = AddressCheck::Verdict;
  if (to.size() > kAddressBytesMax)
    return refuse(Kind::invalid, "Invalid `to` address: It is longer than 254 bytes.");
  if (has_control(to)) return refuse(Kind::invalid, "Invalid `to` address: It holds a control character.");
  switch (check.verdict) {
    case Verdict::invalid:
    case Verdict::too_long:
      return refuse(Kind::invalid, "Invalid `to` address: " + check.sentence);
    case Verdict::not_ready:
      return unavailable("The provider is not ready yet. Please retry.");
    case Verdict::valid:
    case Verdict::unchecked:
      break;
  }
  otp.to = to;
  otp.to_normalised = check.normalised.empty() ? to : check.normalised;
  return {};
}

std::optional<Refusal> OtpService::check_size(const Otp& otp, std::string_view code) const {
  const auto descriptor = parts_.gate.descriptor(otp.provider);
  const auto message = parts_.composer.compose(otp, code, *descriptor, parts_.clock.now());
  if (message.body.size() <= descriptor->body_bytes_max) return {};
  return refuse(Kind::invalid, "The message is " + std::to_string(message.body.size()) +
                                   " bytes long, and this provider takes at most " +
                                   std::to_string(descriptor->body_bytes_max) + ".");
}

}  // namespace otpgw::otp
