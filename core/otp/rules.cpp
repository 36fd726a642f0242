#include "core/otp/rules.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace otpgw::otp {
namespace {

Decision refuse(Verdict verdict, const Otp& otp) { return {.verdict = verdict, .otp = otp}; }

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Whether a code's hash is among those of a guess, in the same time wherever it stands.
bool has(const std::vector<std::string>& hashes, const std::string& hash) {
  bool found = false;
  for (const auto& guessed : hashes) found |= equal(guessed, hash);
  return found;
}

// The same provider or the same list, wherever that stands.
bool same_providers(const Otp& a, const Otp& b) {
  if (!a.has_fallback() && !b.has_fallback()) return a.provider == b.provider;
  return std::ranges::equal(a.fallback.steps, b.fallback.steps, {}, &Step::provider, &Step::provider);
}

void make_current(Otp& otp, std::size_t index) {
  otp.fallback.current = index;
  otp.provider = otp.fallback.steps[index].provider;
  otp.to_normalised = otp.fallback.steps[index].to_normalised;
}

void begin_step(Otp& otp, std::size_t index, UnixMs now) {
  make_current(otp, index);
  const bool last = index + 1 == otp.fallback.steps.size();
  const auto ends_at = now + otp.fallback.timeout_ms;
  otp.fallback.ends_at = last || ends_at >= otp.expires_at ? 0 : ends_at;
}

// A sending begins with this step. What former ones came to stays visible where this one does not go.
void begin_sending(Otp& otp, std::size_t index, UnixMs now) {
  if (!otp.has_fallback()) return;
  auto& fallback = otp.fallback;
  fallback.first = index;
  for (auto i = index; i < fallback.steps.size(); ++i) {
    fallback.steps[i].job = 0;
    fallback.steps[i].delivery = {};
  }
  begin_step(otp, index, now);
}

std::size_t resend_step(const Fallback& fallback) { return (fallback.current + 1) % fallback.steps.size(); }

}  // namespace

Decision decide_put(const Otp* current, const Otp& wanted, UnixMs now) {
  Decision decision{.write = true, .replaces = true, .new_job = !wanted.to.empty(), .otp = wanted};
  if (decision.new_job) begin_sending(decision.otp, 0, now);
  if (current && current->live(now) && !current->closed) {
    // Under the new maximum a code could be locked before its first guess: that is refused like the old lock.
    if (current->locked() || current->attempts > wanted.max_attempts ||
        current->generate >= current->max_generate) {
      return refuse(Verdict::locked, *current);
    }
    decision.otp.attempts = current->attempts;  // a new code must not give new guesses
    decision.otp.generate = current->generate + 1;
  }
  return decision;
}

Decision decide_check(const Otp* current, const Guess& guess, UnixMs now) {
  if (!current || !current->live(now)) return {.verdict = Verdict::not_found};
  if (current->closed && guess.from_page) return refuse(Verdict::already_closed, *current);
  if (current->locked()) return refuse(Verdict::locked, *current);
  Decision decision{.write = true, .otp = *current};
  if (!has(current->code_is_digits ? guess.digits_hashes : guess.hashes, current->code_hash)) {
    decision.verdict = Verdict::wrong_code;
    ++decision.otp.attempts;
    return decision;
  }
  decision.otp.closed = true;
  decision.otp.fallback.ends_at = 0;
  decision.otp.keep_until = std::max({current->keep_until, current->expires_at, now + kClosedKeptMs});
  decision.remove = !guess.from_page && !guess.skip_delete.value_or(current->skip_delete);
  decision.write = !decision.remove;
  return decision;
}

Decision decide_resend(const Otp* current, UnixMs now, std::chrono::milliseconds cooldown) {
  if (!current || !current->live(now)) return {.verdict = Verdict::not_found};
  if (current->closed) return refuse(Verdict::already_closed, *current);
  if (current->locked()) return refuse(Verdict::locked, *current);
  if (current->to.empty()) return refuse(Verdict::no_address, *current);
  if (!is_final(current->delivery.state)) return refuse(Verdict::still_sending, *current);
  if (current->generate >= current->max_generate) return refuse(Verdict::locked, *current);
  if (current->resend_wait_ms(now, cooldown) > 0) return refuse(Verdict::too_early, *current);
  Decision decision{.write = true, .new_job = true, .otp = *current};
  ++decision.otp.generate;
  if (current->has_fallback()) begin_sending(decision.otp, resend_step(current->fallback), now);
  return decision;
}

const std::string& resend_provider(const Otp& otp) {
  return otp.has_fallback() ? otp.fallback.steps[resend_step(otp.fallback)].provider : otp.provider;
}

Decision decide_status(const Otp* current, bool consume, UnixMs now) {
  if (!current || now >= current->keep_until) return {.verdict = Verdict::not_found};
  if (!current->closed) return refuse(Verdict::not_verified, *current);
  return {.remove = consume, .otp = *current};
}

std::string address_token(const Otp& otp) {
  if (otp.to.empty()) return {};
  constexpr std::size_t kTokenBytes = crypto_generichash_BYTES_MIN;
  std::array<unsigned char, kTokenBytes> token{};
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  crypto_generichash(token.data(), token.size(), bytes(otp.to), otp.to.size(), bytes(otp.code_hash),
                     otp.code_hash.size());
  std::array<char, 2 * kTokenBytes + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), token.data(), token.size());
  return hex.data();
}

Decision decide_set_address(const Otp* current, const Otp& wanted, const std::string& expected, UnixMs now) {
  if (!current || !current->live(now)) return {.verdict = Verdict::not_found};
  if (current->closed) return refuse(Verdict::already_closed, *current);
  if (current->locked()) return refuse(Verdict::locked, *current);
  if (!current->to.empty() && !current->to_from_page) return refuse(Verdict::fixed_address, *current);
  if (address_token(*current) != expected || !same_providers(*current, wanted))
    return refuse(Verdict::changed, *current);
  const bool replaces = !current->to.empty();
  if (replaces && current->generate >= current->max_generate) return refuse(Verdict::locked, *current);
  Decision decision{.write = true, .replaces = true, .new_job = true, .otp = *current};
  decision.otp.to = wanted.to;
  decision.otp.to_normalised = wanted.to_normalised;
  decision.otp.to_from_page = true;
  for (std::size_t i = 0; i < wanted.fallback.steps.size(); ++i) {
    decision.otp.fallback.steps[i].to_normalised = wanted.fallback.steps[i].to_normalised;
  }
  begin_sending(decision.otp, 0, now);
  if (replaces) {  // the old address's owner has seen the old code
    decision.otp.code_is_digits = wanted.code_is_digits;
    decision.otp.code_length = wanted.code_length;
    decision.otp.code_hash = wanted.code_hash;
    decision.otp.code_sealed = wanted.code_sealed;
    ++decision.otp.generate;
  }
  return decision;
}

Decision decide_step(const Otp& current, UnixMs now) {
  Decision decision{.otp = current};
  auto& otp = decision.otp;
  auto& fallback = otp.fallback;
  const auto& steps = fallback.steps;
  const auto state = current.delivery.state;
  const bool time_is_up = fallback.ends_at != 0 && fallback.ends_at <= now;

  if (state == DeliveryState::sent || current.closed || current.locked() || !current.live(now)) {
    fallback.ends_at = 0;
  } else if (const auto sent =
                 std::ranges::find(steps.begin() + static_cast<std::ptrdiff_t>(fallback.first), steps.end(),
                                   DeliveryState::sent, [](const Step& step) { return step.delivery.state; });
             sent != steps.end()) {
    // A call that outlasted its step: the code has gone out. The call of the current step may be on its way.
    fallback.ends_at = 0;
    if (state != DeliveryState::sending) make_current(otp, static_cast<std::size_t>(sent - steps.begin()));
  } else if (state == DeliveryState::failed || state == DeliveryState::expired || time_is_up) {
    decision.new_job = fallback.current + 1 < steps.size();
    fallback.ends_at = 0;
    if (decision.new_job) begin_step(otp, fallback.current + 1, now);
  }
  decision.write =
      fallback.ends_at != current.fallback.ends_at || fallback.current != current.fallback.current;
  return decision;
}

}  // namespace otpgw::otp
