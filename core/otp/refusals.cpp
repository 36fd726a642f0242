#include "core/otp/refusals.h"

#include <algorithm>

namespace otpgw::otp {
namespace {

using Kind = Refusal::Kind;

Refusal locked(Otp otp, bool is_check, UnixMs now) {
  const auto seconds = std::max<int64_t>(1, otp.ttl_seconds(now));
  auto message =
      (is_check ? "Too many attempts. Please retry after " : "OTP attempts exceeded. Retry after ") +
      std::to_string(seconds) + " seconds.";
  auto refusal = refuse(Kind::locked, std::move(message), std::move(otp), now);
  refusal.retry_after = std::chrono::seconds{seconds};
  return refusal;
}

}  // namespace

Refusal refuse(Kind kind, std::string message) {
  Refusal refusal;
  refusal.kind = kind;
  refusal.message = std::move(message);
  return refusal;
}

Refusal refuse(Kind kind, std::string message, Otp otp, UnixMs now) {
  auto refusal = refuse(kind, std::move(message));
  refusal.ttl_seconds = otp.ttl_seconds(now);
  refusal.otp = std::move(otp);
  return refusal;
}

Refusal bad_address(AddressFault fault, std::string_view sentence) {
  auto refusal = refuse(Kind::invalid, std::string(kBadAddress).append(sentence));
  refusal.address = fault;
  return refusal;
}

Refusal unavailable(std::string message) {
  auto refusal = refuse(Kind::unavailable, std::move(message));
  refusal.retry_after = std::chrono::seconds{1};
  return refusal;
}

Refusal try_again(Kind kind, std::string_view message, int64_t wait_ms) {
  const auto seconds = std::max<int64_t>(1, (wait_ms + 999) / 1000);
  auto refusal =
      refuse(kind, std::string(message) + ". Retry after " + std::to_string(seconds) + " seconds.");
  refusal.retry_after = std::chrono::seconds{seconds};
  return refusal;
}

std::optional<Refusal> refusal_of(store::Written& written, bool is_check, std::chrono::milliseconds cooldown,
                                  UnixMs now) {
  auto& otp = written.otp;
  switch (written.verdict) {
    case Verdict::done:
    case Verdict::still_sending:
      return {};
    case Verdict::not_found:
      return refuse(Kind::not_found, "the OTP does not exist");
    case Verdict::locked:
      return locked(std::move(otp), is_check, now);
    case Verdict::wrong_code:
      return refuse(Kind::wrong_code, "Incorrect OTP", std::move(otp), now);
    case Verdict::not_verified:
      return refuse(Kind::not_verified, "OTP not verified.", std::move(otp), now);
    case Verdict::already_closed:
      return refuse(Kind::invalid, "The OTP is already verified.");
    case Verdict::no_address:
      return refuse(Kind::invalid, "The OTP has no `to` address yet.");
    case Verdict::changed:
      return bad_address(AddressFault::changed, "It has been changed in the meantime.");
    case Verdict::fixed_address:
      return bad_address(AddressFault::fixed, "It can't be changed here.");
    case Verdict::key_conflict:
      return refuse(Kind::conflict, "This Idempotency-Key was used before with other parameters.");
    case Verdict::limited: {
      auto refusal = try_again(Kind::limited, limits::sentence(written.over->limit), written.over->wait_ms);
      refusal.limit = written.over->limit;
      return refusal;
    }
    case Verdict::too_early:
      return try_again(Kind::too_early, "A code has just been sent", otp.resend_wait_ms(now, cooldown));
  }
  return refuse(Kind::internal, "Internal error.");
}

}  // namespace otpgw::otp
