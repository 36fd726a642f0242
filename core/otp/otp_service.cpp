#include "core/otp/otp_service.h"

#include <algorithm>
#include <limits>

#include "core/limits/calling_code.h"
#include "core/otp/refusals.h"
#include "core/otp/rules.h"
#include "core/otp/text.h"

namespace otpgw::otp {
namespace {

using Kind = Refusal::Kind;

constexpr std::size_t kIdBytes = 16;  // of a random id: 32 hexadecimal characters
constexpr std::size_t kAddressBytesMax = 254;

// Whether the write did what was asked, and not an earlier one of the same Idempotency-Key.
bool is_new(const std::expected<store::Written, store::Error>& written) {
  return written && written->verdict == Verdict::done && !written->replayed;
}

constexpr const char* kNotReady = "The provider is not ready yet. Please retry.";

std::vector<std::string> providers_of(const Otp& otp) {
  if (!otp.has_fallback()) return {otp.provider};
  std::vector<std::string> providers;
  for (const auto& step : otp.fallback.steps) providers.push_back(step.provider);
  return providers;
}

}  // namespace

OtpService::OtpService(Parts parts, std::shared_ptr<const message::Setup> setup)
    : parts_(std::move(parts)), limit_report_(parts_.metrics, parts_.vault), waiters_(parts_.scheduler) {
  reconfigure(std::move(setup));
}
OtpService::~OtpService() = default;

void OtpService::put(PutRequest request, Done done) {
  for (const auto& provider : request.providers) {
    if (!setup_->config.providers.contains(provider)) {
      return done(std::unexpected(refuse(Kind::invalid, "Unknown provider.")));
    }
  }
  const auto providers = request.providers;
  const auto to = request.to;
  validate(providers, to,
           [this, setup = setup_, request = std::move(request),
            done = std::move(done)](const std::vector<AddressCheck>& checks) mutable {
             put_checked(setup, std::move(request), checks, std::move(done));
           });
}

void OtpService::validate(const std::vector<std::string>& providers, const std::string& to,
                          std::move_only_function<void(std::vector<AddressCheck>)> done) {
  struct Gathered {
    std::vector<AddressCheck> checks;
    std::size_t missing;
    std::move_only_function<void(std::vector<AddressCheck>)> done;
  };
  const auto gathered = std::make_shared<Gathered>(std::vector<AddressCheck>(providers.size()),
                                                   providers.size(), std::move(done));
  for (std::size_t i = 0; i < providers.size(); ++i) {
    const auto& provider = providers[i];
    auto got = [gathered, i](AddressCheck check) {
      gathered->checks[i] = std::move(check);
      if (--gathered->missing == 0) gathered->done(std::move(gathered->checks));
    };
    const auto known = [this, provider] {
      AddressCheck check;
      if (parts_.gate.descriptor(provider)) check.verdict = AddressCheck::Verdict::valid;
      return check;
    };
    if (!to.empty()) {
      parts_.gate.validate(provider, to, std::move(got));
    } else if (parts_.gate.descriptor(provider)) {
      got(known());
    } else {
      parts_.gate.await_ready(provider, [known, got = std::move(got)]() mutable { got(known()); });
    }
  }
}

void OtpService::put_checked(const SetupPtr& setup, PutRequest request,
                             const std::vector<AddressCheck>& checks, Done done) {
  const auto length_max = code_length_max(request.providers);
  if (!length_max) return done(std::unexpected(unavailable(kNotReady)));
  Otp wanted;
  wanted.name_space = std::move(request.name_space);
  wanted.provider = request.providers.front();
  if (request.providers.size() > 1) {
    wanted.fallback.timeout_ms = setup->config.fallback.step_timeout.count();
    for (auto& provider : request.providers)
      wanted.fallback.steps.push_back({std::move(provider), {}, 0, {}});
  }
  if (!request.to.empty()) {
    if (auto refusal = take_address(wanted, request.to, checks))
      return done(std::unexpected(std::move(*refusal)));
  }
  if (code_points(request.code) > *length_max) {
    return done(std::unexpected(
        refuse(Kind::invalid, std::string("Invalid `otp` value. ") +
                                  (wanted.has_fallback() ? "These providers take" : "This provider takes") +
                                  " at most " + std::to_string(*length_max) + " characters.")));
  }
  const auto& app = setup->config.app;
  const auto now = parts_.clock.now();
  wanted.id = request.id.empty() ? random_hex(kIdBytes) : std::move(request.id);
  wanted.channel_description = std::move(request.channel_description);
  wanted.address_description = std::move(request.address_description);
  wanted.locale = std::move(request.locale);
  wanted.return_url = std::move(request.return_url);
  wanted.extra = std::move(request.extra);
  wanted.max_attempts = static_cast<int>(request.max_attempts.value_or(app.otp_max_attempts));
  wanted.max_generate = static_cast<int>(request.max_generate.value_or(app.otp_max_generate));
  wanted.skip_delete = request.skip_delete;
  wanted.client = policy_->client_key(wanted.name_space, request.client);
  wanted.expires_at = now + request.ttl_seconds.value_or(app.otp_ttl.count()) * 1000;
  wanted.keep_until = wanted.expires_at;
  const auto code =
      request.code.empty() ? random_digits(static_cast<int>(*length_max)) : std::move(request.code);
  set_code(wanted, code);
  if (!wanted.to.empty()) {
    if (auto refusal = check_size(*setup, wanted, code)) return done(std::unexpected(std::move(*refusal)));
  }
  const bool with_code = shows_code(wanted.name_space);
  parts_.store.put(std::move(wanted), std::move(request.idempotency), policy_,
                   [this, with_code, wait = request.wait,
                    done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
                     parts_.scheduler.post([this, with_code, wait, done = std::move(done),
                                            written = std::move(written)]() mutable {
                       if (is_new(written)) parts_.metrics.otp_created(written->otp.provider);
                       after_write(std::move(written), with_code, wait, std::move(done));
                     });
                   });
}

void OtpService::check(CheckRequest request, Done done) {
  if (request.code.empty()) return done(std::unexpected(refuse(Kind::invalid, "`otp` is empty.")));
  Guess guess;
  guess.from_page = request.door == Door::page;
  guess.skip_delete = request.skip_delete;
  guess.hashes = parts_.vault.hashes(request.name_space, request.id, request.code);
  const auto digits = normalise_digits(request.code);
  guess.digits_hashes =
      digits == request.code ? guess.hashes : parts_.vault.hashes(request.name_space, request.id, digits);
  const bool with_code = request.door == Door::api && shows_code(request.name_space);
  parts_.store.check(
      std::move(request.name_space), std::move(request.id), std::move(guess), std::move(request.idempotency),
      policy_,
      [this, with_code, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
        parts_.scheduler.post(
            [this, with_code, done = std::move(done), written = std::move(written)]() mutable {
              end_job(written);
              report(written);
              count_check(written);
              done(outcome(std::move(written), with_code, true));
            });
      });
}

void OtpService::resend(std::string name_space, std::string id, Door door, std::chrono::milliseconds wait,
                        Done done) {
  if (const auto current = find(name_space, id); current) {
    if (auto refusal = disabled({resend_provider(current->otp)}))
      return done(std::unexpected(std::move(*refusal)));
  }
  const auto cooldown = door == Door::page ? policy_->resend_cooldown() : std::chrono::milliseconds{0};
  parts_.store.resend(
      std::move(name_space), std::move(id), cooldown, policy_,
      [this, wait, done = std::move(done)](std::expected<store::Written, store::Error> written) mutable {
        parts_.scheduler.post([this, wait, done = std::move(done), written = std::move(written)]() mutable {
          if (is_new(written)) parts_.metrics.otp_resent(written->otp.provider);
          after_write(std::move(written), false, wait, std::move(done));
        });
      });
}

void OtpService::status(std::string name_space, std::string id, bool consume, Done done) {
  const bool with_code = shows_code(name_space);
  if (consume) {
    return parts_.store.status(std::move(name_space), std::move(id), true,
                               [this, with_code, done = std::move(done)](
                                   std::expected<store::Written, store::Error> written) mutable {
                                 parts_.scheduler.post([this, with_code, done = std::move(done),
                                                        written = std::move(written)]() mutable {
                                   done(outcome(std::move(written), with_code, false));
                                 });
                               });
  }
  const auto found = parts_.store.find(name_space, id);
  if (!found) return done(std::unexpected(unavailable("Unable to reach store.")));
  auto decision = decide_status(*found ? &**found : nullptr, false, parts_.clock.now());
  done(
      outcome(store::Written{.verdict = decision.verdict, .otp = std::move(decision.otp)}, with_code, false));
}

bool OtpService::may_view(std::string_view name_space, std::string_view id, std::string_view key) const {
  return !setup_->config.has_view_key(name_space) || parts_.vault.is_view_key(name_space, id, key);
}

Outcome OtpService::find(std::string_view name_space, std::string_view id) {
  auto found = parts_.store.find(name_space, id);
  if (!found) return std::unexpected(unavailable("Unable to reach store."));
  // A closed record may be kept longer than its code lives, but for `status` alone.
  if (!*found || !(*found)->live(parts_.clock.now())) {
    auto refusal = refuse(Kind::not_found, "the OTP does not exist");
    if (*found) {
      refusal.locale = std::move((*found)->locale);
      refusal.return_url = std::move((*found)->return_url);
    }
    return std::unexpected(std::move(refusal));
  }
  return answer(std::move(**found), false);
}

void OtpService::set_address(std::string name_space, std::string id, std::string to, std::string expected,
                             Done done) {
  auto current = find(name_space, id);
  if (!current) return done(std::move(current));
  if (to.empty()) return done(std::unexpected(refuse(Kind::invalid, "Please enter an address.")));
  auto otp = std::move(current->otp);
  const auto providers = providers_of(otp);
  if (auto refusal = disabled(providers)) return done(std::unexpected(std::move(*refusal)));
  validate(
      providers, to,
      [this, setup = setup_, otp = std::move(otp), providers, to, expected = std::move(expected),
       done = std::move(done)](const std::vector<AddressCheck>& checks) mutable {
        const auto length_max = code_length_max(providers);
        if (!length_max) return done(std::unexpected(unavailable(kNotReady)));
        if (auto refusal = take_address(otp, to, checks)) return done(std::unexpected(std::move(*refusal)));
        const auto code = random_digits(static_cast<int>(*length_max));
        set_code(otp,
                 code);  // used when it replaces an address; the first address gets the code that PUT made
        if (auto refusal = check_size(*setup, otp, code)) return done(std::unexpected(std::move(*refusal)));
        parts_.store.set_address(
            std::move(otp), std::move(expected), policy_,
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

void OtpService::sending_ended(int64_t sending, Delivery delivery) {
  waiters_.sending_ended(sending, delivery);
}
void OtpService::breaker_changed(const std::string& provider, bool open) {
  if (open) {
    paused_.insert(provider);
  } else {
    paused_.erase(provider);
  }
}
void OtpService::stop_waiting() {
  stopping_ = true;
  waiters_.stop();
}

std::optional<Refusal> OtpService::disabled(const std::vector<std::string>& providers) const {
  const auto is_enabled = [this](const auto& provider) {
    return setup_->config.providers.contains(provider);
  };
  if (std::ranges::all_of(providers, is_enabled)) return {};
  return unavailable("This OTP's provider is switched off.");
}

bool OtpService::shows_code(std::string_view name_space) const {
  const auto found = setup_->config.namespaces.find(name_space);
  return found != setup_->config.namespaces.end() && found->second.return_otp;
}

Answer OtpService::answer(Otp otp, bool with_code) const {
  Answer answer;
  answer.ttl_seconds = otp.ttl_seconds(parts_.clock.now());
  if (with_code) answer.code = parts_.vault.open(otp.name_space, otp.id, otp.code_sealed).value_or("");
  if (auto& delivery = otp.delivery;
      delivery.state == DeliveryState::queued && delivery.detail.empty() && paused_.contains(otp.provider)) {
    delivery.detail = "the provider can't send at the moment";
  }
  if (setup_->config.has_view_key(otp.name_space))
    answer.view_key = parts_.vault.view_key(otp.name_space, otp.id);
  answer.otp = std::move(otp);
  return answer;
}

Outcome OtpService::outcome(std::expected<store::Written, store::Error> written, bool with_code,
                            bool is_check) const {
  if (!written) return std::unexpected(unavailable("Unable to reach store."));
  if (auto refusal = refusal_of(*written, is_check, policy_->resend_cooldown(), parts_.clock.now()))
    return std::unexpected(std::move(*refusal));
  return answer(std::move(written->otp), with_code);
}

void OtpService::end_job(const std::expected<store::Written, store::Error>& written) {
  if (!written || !written->ended_job) return;
  parts_.metrics.delivery_ended(written->ended_job->provider, ops::DeliveryEnd::expired);
  sending_ended(written->ended_job->sending, {DeliveryState::expired, 0, {}, {}});
}

void OtpService::count_check(const std::expected<store::Written, store::Error>& written) {
  using enum ops::CheckOutcome;
  if (!written || written->replayed) return;
  switch (written->verdict) {
    case Verdict::done:
      parts_.metrics.checked(right);
      if (written->closed) {
        parts_.metrics.otp_verified(written->otp.provider);
        parts_.metrics.code_verified(written->otp.provider, limits::calling_code(written->otp.to_normalised));
      }
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
  report(written);
  if (is_new(written) && written->otp.delivery.state == DeliveryState::queued)
    parts_.metrics.code_sent(written->otp.provider, limits::calling_code(written->otp.to_normalised));
  const auto sending = written ? written->sending : 0;
  auto result = outcome(std::move(written), with_code, false);
  const auto finish = [this](Outcome out, Done then) {
    if (out && out->otp.delivery.state == DeliveryState::failed) {
      return then(std::unexpected(
          refuse(Kind::delivery_failed, "Error sending OTP.", std::move(out->otp), parts_.clock.now())));
    }
    then(std::move(out));
  };
  if (wait.count() <= 0 || !result) return done(std::move(result));
  if (result->otp.delivery_ended() || waiters_.full(result->otp.provider) || stopping_)
    return finish(std::move(result), std::move(done));
  const std::string provider = result->otp.provider;
  waiters_.add(provider, sending, wait,
               [this, finish, result = std::move(result),
                done = std::move(done)](std::optional<Delivery> delivery) mutable {
                 auto& otp = result->otp;
                 if (delivery) otp.delivery = std::move(*delivery);
                 // The time is up, or another provider may have taken over: as far as it has come.
                 if (!delivery || otp.has_fallback()) {
                   auto now = parts_.store.find(otp.name_space, otp.id);
                   if (now && *now && (*now)->code_hash == otp.code_hash) {
                     otp.provider = std::move((*now)->provider);
                     otp.delivery = std::move((*now)->delivery);
                     otp.fallback = std::move((*now)->fallback);
                   }
                 }
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
                                                const std::vector<AddressCheck>& checks) {
  using Verdict = AddressCheck::Verdict;
  if (to.size() > kAddressBytesMax)
    return bad_address(AddressFault::too_long, "It is longer than 254 bytes.");
  if (has_control(to)) return bad_address(AddressFault::unusable, "It holds a control character.");
  for (const auto& check : checks) {
    switch (check.verdict) {
      case Verdict::invalid:
        return bad_address(AddressFault::unusable, check.sentence);
      case Verdict::too_long:
        return bad_address(AddressFault::too_long, check.sentence);
      case Verdict::not_ready:
        return unavailable(kNotReady);
      case Verdict::valid:
      case Verdict::unchecked:
        break;
    }
  }
  const auto normalised = [&to](const AddressCheck& check) {
    return check.normalised.empty() ? to : check.normalised;
  };
  otp.to = to;
  otp.to_normalised = normalised(checks.front());
  for (std::size_t i = 0; i < otp.fallback.steps.size(); ++i)
    otp.fallback.steps[i].to_normalised = normalised(checks[i]);
  return check_countries(otp, providers_of(otp), checks);
}

std::optional<uint32_t> OtpService::code_length_max(const std::vector<std::string>& providers) const {
  auto length_max = std::numeric_limits<uint32_t>::max();
  for (const auto& provider : providers) {
    const auto descriptor = parts_.gate.descriptor(provider);
    if (!descriptor) return {};
    length_max = std::min(length_max, descriptor->otp_length_max);
  }
  return length_max;
}

std::optional<Refusal> OtpService::check_size(const message::Setup& setup, const Otp& otp,
                                              std::string_view code) const {
  const auto too_long = [&](const Otp& sent) -> std::optional<Refusal> {
    const auto descriptor = parts_.gate.descriptor(sent.provider);
    const auto message = setup.composer.compose(sent, code, *descriptor, parts_.vault, parts_.clock.now());
    if (message.body.size() <= descriptor->body_bytes_max) return {};
    return refuse(Kind::invalid, "The message is " + std::to_string(message.body.size()) +
                                     " bytes long, and " +
                                     (sent.has_fallback() ? sent.provider : "this provider") +
                                     " takes at most " + std::to_string(descriptor->body_bytes_max) + ".");
  };
  if (!otp.has_fallback()) return too_long(otp);
  auto sent = otp;
  for (const auto& step : otp.fallback.steps) {
    sent.provider = step.provider;
    if (auto refusal = too_long(sent)) return refusal;
  }
  return {};
}

}  // namespace otpgw::otp
