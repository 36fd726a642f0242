#include "core/message/otp_json.h"

#include "core/http/answer.h"

namespace otpgw::message {

void append_otp_members(std::string& out, const otp::Otp& otp, std::string_view code, int64_t ttl_seconds) {
  const auto text = [&out](std::string_view name, std::string_view value) {
    out.append(name);
    http::append_json(out, value);
  };
  const auto number = [&out](std::string_view name, int64_t value) {
    out.append(name).append(std::to_string(value));
  };
  text(R"("namespace":)", otp.name_space);
  text(R"(,"id":)", otp.id);
  text(R"(,"to":)", otp.to);
  text(R"(,"channel_description":)", otp.channel_description);
  text(R"(,"address_description":)", otp.address_description);
  out.append(R"(,"extra":)").append(otp.extra);
  text(R"(,"provider":)", otp.provider);
  if (!code.empty()) text(R"(,"otp":)", code);
  number(R"(,"max_attempts":)", otp.max_attempts);
  number(R"(,"attempts":)", otp.attempts);
  number(R"(,"generate":)", otp.generate);
  number(R"(,"max_generate":)", otp.max_generate);
  out.append(otp.closed ? R"(,"closed":true)" : R"(,"closed":false)");
  number(R"(,"ttl":)", ttl_seconds);
}

}  // namespace otpgw::message
