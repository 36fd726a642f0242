#include "core/otp/rules.h"

#include <sodium.h>

#include <algorithm>

namespace otpgw::otp {
namespace {

Decision refuse(Verdict verdict, const Otp& otp) { return {.verdict = verdict, .otp = otp}; }

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Decision decide_put(const Otp* current, const Otp& wanted, UnixMs now) {
  Decision decision{.write = true, .new_job = !wanted.to.empty(), .otp = wanted};
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
  if (!equal(current->code_is_digits ? guess.digits_hash : guess.hash, current->code_hash)) {
    decision.verdict = Verdict::wrong_code;
    ++decision.otp.attempts;
    return decision;
  }
  decision.otp.closed = true;
  decision.otp.keep_until = std::max({current->keep_until, current->expires_at, now + kClosedKeptMs});
  decision.remove = !guess.from_page && !guess.skip_delete.value_or(current->skip_delete);
  decision.write = !decision.remove;
  return decision;
}

Decision decide_resend(const Otp* current, UnixMs now) {
  if (!current || !current->live(now)) return {.verdict = Verdict::not_found};
  if (current->closed) return refuse(Verdict::already_closed, *current);
  if (current->locked()) return refuse(Verdict::locked, *current);
  if (current->to.empty()) return refuse(Verdict::no_address, *current);
  if (!is_final(current->delivery.state)) return refuse(Verdict::still_sending, *current);
  if (current->generate >= current->max_generate) return refuse(Verdict::locked, *current);
  Decision decision{.write = true, .new_job = true, .otp = *current};
  ++decision.otp.generate;
  return decision;
}

Decision decide_status(const Otp* current, bool consume, UnixMs now) {
  if (!current || now >= current->keep_until) return {.verdict = Verdict::not_found};
  if (!current->closed) return refuse(Verdict::not_verified, *current);
  return {.remove = consume, .otp = *current};
}

Decision decide_set_address(const Otp* current, const Otp& wanted, const std::string& expected_to,
                            UnixMs now) {
  if (!current || !current->live(now)) return {.verdict = Verdict::not_found};
  if (current->closed) return refuse(Verdict::already_closed, *current);
  if (current->locked()) return refuse(Verdict::locked, *current);
  if (!current->to.empty() && !current->to_from_page) return refuse(Verdict::fixed_address, *current);
  if (current->to != expected_to) return refuse(Verdict::changed, *current);
  const bool replaces = !current->to.empty();
  if (replaces && current->generate >= current->max_generate) return refuse(Verdict::locked, *current);
  Decision decision{.write = true, .new_job = true, .otp = *current};
  decision.otp.to = wanted.to;
  decision.otp.to_normalised = wanted.to_normalised;
  decision.otp.to_from_page = true;
  if (replaces) {  // the old address's owner has seen the old code
    decision.otp.code_is_digits = wanted.code_is_digits;
    decision.otp.code_length = wanted.code_length;
    decision.otp.code_hash = wanted.code_hash;
    decision.otp.code_sealed = wanted.code_sealed;
    ++decision.otp.generate;
  }
  return decision;
}

}  // namespace otpgw::otp
