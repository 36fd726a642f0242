// Goal: no answer of an upstream crashes a provider, counts as sent when it is an error, or gets its words
// into a log: details are ours alone.
// Method: the first bytes pick provider and status; the rest is the body, which ends in a mark.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "plugins/kaleyra/verdict.h"
#include "plugins/pinpoint/verdict.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw;
  constexpr std::array<int, 10> kStatuses = {200, 202, 302, 400, 401, 404, 409, 429, 500, 503};
  constexpr std::string_view kAddress = "+15550109999";
  if (size < 2) return 0;
  http::Answer answer;
  answer.fate = http::Answer::Fate::answered;
  answer.status = kStatuses[data[1] % kStatuses.size()];
  answer.whole = (data[0] & 4) == 0;
  answer.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto error_type = std::string_view(answer.body).substr(0, 40);
  Result result;
  switch (data[0] % 3) {
    case 0:
      result = kaleyra::verdict(answer);
      break;
    case 1:
      result = pinpoint::verdict(pinpoint::Api::pinpoint, answer, error_type, std::string(kAddress));
      break;
    default:
      result = pinpoint::verdict(pinpoint::Api::sms_voice, answer, error_type, std::string(kAddress));
  }
  if (result.code == OTPGW_SENT) demand(answer.success());
  demand(result.detail.find(kAddress) == std::string::npos);
  return 0;
}
