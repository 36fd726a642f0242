// What stands in an answer of AWS. All of it comes from outside: a name that holds more than letters and
// underscores is none, so that neither a number nor a code gets into a log through it.
#pragma once

#include <string>
#include <string_view>

#include "otpgw/http.hpp"

namespace otpgw::pinpoint {

// Why a request was refused. Empty: not said.
struct Refusal {
  std::string exception;  // "ConflictException"
  std::string reason;     // "DESTINATION_PHONE_NUMBER_OPTED_OUT"
  std::string field;      // of the request, that did not please
};
// `error_type`: the header x-amzn-ErrorType.
[[nodiscard]] Refusal read_refusal(const http::Answer& answer, std::string_view error_type);

// What SendMessages says of one address. Empty: nothing.
struct Delivery {
  std::string status;  // "SUCCESSFUL"
  std::string message_id;
};
[[nodiscard]] Delivery read_delivery(const http::Answer& answer, const std::string& address);

// SendTextMessage's. Empty: none.
[[nodiscard]] std::string read_message_id(const http::Answer& answer);

}  // namespace otpgw::pinpoint
