// What the OTP service does about limits, apart from handing them to the store.
#include <algorithm>

#include "core/limits/calling_code.h"
#include "core/otp/otp_service.h"
#include "core/otp/refusals.h"

namespace otpgw::otp {
namespace {

using Kind = Refusal::Kind;
using AddressVerdict = AddressCheck::Verdict;

bool is_refused(const AddressCheck& check) {
  return check.verdict == AddressVerdict::invalid || check.verdict == AddressVerdict::too_long;
}

bool is_phone(wire::ChannelKind kind) {
  return kind == wire::ChannelKind::sms || kind == wire::ChannelKind::whatsapp ||
         kind == wire::ChannelKind::voice;
}

}  // namespace

void OtpService::reconfigure(std::shared_ptr<const message::Setup> setup) {
  setup_ = std::move(setup);
  policy_ = std::make_shared<const limits::Policy>(setup_->config.limits, parts_.vault);
}

std::optional<Refusal> OtpService::check_countries(const Otp& otp, const std::vector<std::string>& providers,
                                                   const std::vector<AddressCheck>& checks) {
  if (!policy_->limits_countries()) return {};
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto descriptor = parts_.gate.descriptor(providers[i]);
    const bool phone = descriptor && is_phone(descriptor->channel_kind);
    auto country = checks[i].country;
    // Another worker may have looked at the same number.
    if (checks[i].verdict == AddressVerdict::unchecked) {
      const auto known =
          std::ranges::find_if(checks, [](const auto& other) { return !other.country.empty(); });
      if (known != checks.end()) country = known->country;
      if (country.empty() && phone && policy_->enforces())
        return unavailable("The provider is not ready yet. Please retry.");
      if (country.empty()) continue;
    }
    if (country.empty() && !phone) continue;  // an e-mail address has none
    if (policy_->allows_country(country)) continue;
    limit_report_.reached(limits::Limit::countries, policy_->enforces(), otp.name_space, otp.to_normalised);
    if (!policy_->enforces()) return {};
    auto refusal =
        bad_address(AddressFault::unusable, std::string(limits::sentence(limits::Limit::countries)) + ".");
    refusal.limit = limits::Limit::countries;
    return refusal;
  }
  return {};
}

void OtpService::report(const std::expected<store::Written, store::Error>& written) {
  if (!written || written->replayed) return;
  const auto& otp = written->otp;
  if (written->over) {
    limit_report_.reached(written->over->limit, written->verdict == Verdict::limited, otp.name_space,
                          otp.to_normalised);
  }
}

void OtpService::clear_limits(std::string name_space, std::string to, std::string provider, Cleared done) {
  std::vector<std::string> providers;
  for (const auto& [id, enabled] : setup_->config.providers) {
    if (provider.empty() || id == provider) providers.push_back(id);
  }
  if (providers.empty() && !provider.empty())
    return done(std::unexpected(refuse(Kind::invalid, "Unknown provider.")));
  auto clear = [this, name_space = std::move(name_space), to,
                done = std::move(done)](const std::vector<AddressCheck>& checks) mutable {
    if (!checks.empty() && std::ranges::all_of(checks, is_refused)) {
      return done(std::unexpected(bad_address(AddressFault::unusable, checks.front().sentence)));
    }
    // As given too: what no provider was there to normalise counts like that.
    auto keys = policy_->keys_of(name_space, to);
    for (const auto& check : checks) {
      if (check.normalised.empty()) continue;
      auto more = policy_->keys_of(name_space, check.normalised);
      keys.insert(keys.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    parts_.store.forget(std::move(keys),
                        [this, done = std::move(done)](std::expected<int64_t, store::Error> count) mutable {
                          parts_.scheduler.post([done = std::move(done), count]() mutable {
                            if (!count) return done(std::unexpected(unavailable("Unable to reach store.")));
                            done(*count);
                          });
                        });
  };
  if (providers.empty()) return clear({});
  validate(providers, to, std::move(clear));
}

}  // namespace otpgw::otp
