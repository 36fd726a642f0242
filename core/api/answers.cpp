#include "core/api/answers.h"

#include "core/http/answer.h"
#include "core/message/composer.h"
#include "core/message/otp_json.h"

namespace otpgw::api {
namespace {

using Kind = otp::Refusal::Kind;

int status_of(Kind kind) {
  switch (kind) {
    case Kind::invalid:
    case Kind::not_found:
    case Kind::wrong_code:
    case Kind::not_verified:
      return 400;
    case Kind::locked:
    case Kind::limited:
    case Kind::too_early:
      return 429;
    case Kind::conflict:
      return 409;
    case Kind::unavailable:
      return 503;
    case Kind::delivery_failed:
    case Kind::internal:
      return 500;
  }
  return 500;
}

// What a locked answer tells: enough to show a countdown, nothing of the OTP.
std::string lock_json(const otp::Refusal& refusal) {
  return R"({"ttl_seconds":)" + std::to_string(refusal.retry_after.count()) + R"(,"attempts":)" +
         std::to_string(refusal.otp->attempts) + R"(,"max_attempts":)" +
         std::to_string(refusal.otp->max_attempts) + "}";
}

void append_state(std::string& out, const otp::Delivery& delivery) {
  out.append(R"("state":")").append(to_string(delivery.state)).append(R"(","tries":)");
  out.append(std::to_string(delivery.tries)).append(R"(,"detail":)");
  http::append_json(out, delivery.detail + (delivery.retrying() ? "; trying again" : ""));
}

}  // namespace

std::string otp_json(const config::Config& config, const otp::Answer& answer, bool with_url) {
  const auto& otp = answer.otp;
  std::string out;
  out.reserve(640);
  out.push_back('{');
  message::append_otp_members(out, otp, answer.code, answer.ttl_seconds);
  if (with_url) {
    out.append(R"(,"url":)");
    http::append_json(out, message::page_url(config, otp.name_space, otp.id, "", answer.view_key));
  }
  out.append(R"(,"delivery":{)");
  append_state(out, otp.delivery);
  out.append(R"(,"upstream_id":)");
  http::append_json(out, otp.delivery.upstream_id);
  if (otp.has_fallback()) {
    out.append(R"(,"steps":[)");
    for (std::size_t i = 0; i < otp.fallback.steps.size(); ++i) {
      const auto& step = otp.fallback.steps[i];
      out.append(i == 0 ? R"({"provider":)" : R"(,{"provider":)");
      http::append_json(out, step.provider);
      out.push_back(',');
      append_state(out, i == otp.fallback.current ? otp.delivery : step.delivery);
      out.push_back('}');
    }
    out.push_back(']');
  }
  out.append("}}");
  return out;
}

http::Response to_response(const config::Config& config, const otp::Outcome& outcome, bool with_url) {
  if (outcome) return http::success(otp_json(config, *outcome, with_url));
  const auto& refusal = outcome.error();
  std::string data;
  if (refusal.otp) {
    if (refusal.kind == Kind::locked) {
      data = lock_json(refusal);
    } else {
      data = otp_json(config, otp::Answer{*refusal.otp, {}, refusal.ttl_seconds}, false);
    }
  }
  return http::error(status_of(refusal.kind), refusal.message, data, refusal.retry_after);
}

}  // namespace otpgw::api
