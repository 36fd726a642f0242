#include "verdict.h"

#include <algorithm>
#include <utility>

#include "answer.h"

namespace otpgw::pinpoint {
namespace {

// DeliveryStatus of SendMessages, in an answer with status 200.
struct StatusRow {
  std::string_view status;
  int32_t code;
  const char* words;
};
constexpr StatusRow kStatuses[] = {
    {"SUCCESSFUL", OTPGW_SENT, ""},
    {"THROTTLED", OTPGW_RETRY, "too many messages at once"},
    {"TEMPORARY_FAILURE", OTPGW_RETRY, "a failure that passes"},
    {"OPT_OUT", OTPGW_REJECTED, "the person has opted out of messages"},
    {"PERMANENT_FAILURE", OTPGW_REJECTED,
     "AWS can't send to this number: no sender of yours may, the account is in the sandbox or over its "
     "limit"},
    {"DUPLICATE", OTPGW_UNKNOWN, "AWS takes it for a copy"},
    {"TIMEOUT", OTPGW_UNKNOWN, "it was not sent in time"},
    {"UNKNOWN_FAILURE", OTPGW_UNKNOWN, "AWS does not know what became of it"},
};

// What a request is refused with. BROKEN is what ails every message alike; what hangs on the number or on its
// country is REJECTED, or one person's number would stop everybody's messages.
struct RefusalRow {
  std::string_view exception, reason;  // no reason: any that has no row of its own
  int32_t code;
  const char* words;
};
constexpr const char* kKey = "wrong access_key, secret_key or region, or this machine's clock is wrong";
constexpr const char* kRights = "the access key may not send: see its policy, and the account's state";
constexpr const char* kBusy = "too many messages at once";
constexpr const char* kInside = "a failure inside AWS";
constexpr const char* kEndpoint = "nothing at this endpoint knows the request";
constexpr const char* kCountry = "the sender can't send to this country";
constexpr const char* kBlocked = "the account's settings block this number or its country";
constexpr const char* kSender = "the origination identity can't send this kind of message";
constexpr const char* kInvalid = "AWS takes the request for invalid";
constexpr RefusalRow kRefusals[] = {
    // SendTextMessage
    {"AccessDeniedException", "", OTPGW_BROKEN, kRights},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", OTPGW_REJECTED,
     "the person has opted out of messages"},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", OTPGW_REJECTED,
     "the account is in the sandbox, which sends to verified numbers only"},
    {"ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", OTPGW_REJECTED, kBlocked},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE", OTPGW_REJECTED,
     kBlocked},
    {"ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", OTPGW_REJECTED,
     "the account has no number or sender id for this country"},
    {"ConflictException", "MESSAGE_TYPE_MISMATCH", OTPGW_BROKEN, kSender},
    {"ConflictException", "NUMBER_CAPABILITIES_MISMATCH", OTPGW_BROKEN, kSender},
    {"ConflictException", "REGISTRATION_NOT_COMPLETE", OTPGW_BROKEN,
     "the sender's registration is not complete"},
    {"ConflictException", "RESOURCE_NOT_ACTIVE", OTPGW_BROKEN, "the origination identity is not active"},
    {"ConflictException", "", OTPGW_RETRY, "something else is changing what the message needs"},
    {"InternalServerException", "", OTPGW_RETRY, kInside},
    {"ResourceNotFoundException", "", OTPGW_BROKEN,
     "no such origination identity or configuration set in this region"},
    {"ServiceQuotaExceededException", "DAILY_DESTINATION_CALL_LIMIT", OTPGW_REJECTED,
     "this number had its messages of the day"},
    {"ServiceQuotaExceededException", "", OTPGW_BROKEN,
     "the account's spend limit or another quota is reached"},
    {"ThrottlingException", "", OTPGW_RETRY, kBusy},
    {"ValidationException", "CHANNEL_NOT_ENABLED", OTPGW_BROKEN, "the account's SMS channel is off"},
    {"ValidationException", "COUNTRY_CODE_MISMATCH", OTPGW_REJECTED, kCountry},
    {"ValidationException", "COUNTRY_NOT_ENABLED", OTPGW_REJECTED, kCountry},
    {"ValidationException", "DESTINATION_COUNTRY_BLOCKED", OTPGW_REJECTED, kBlocked},
    {"ValidationException", "INTERNATIONAL_SENDING_NOT_SUPPORTED", OTPGW_REJECTED, kCountry},
    {"ValidationException", "INVALID_ARN", OTPGW_BROKEN, "an ARN in the configuration is none"},
    {"ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", OTPGW_REJECTED, kCountry},
    {"ValidationException", "PRICE_OVER_THRESHOLD", OTPGW_REJECTED, "it would cost more than max_price"},
    {"ValidationException", "RESOURCE_NOT_ACCESSIBLE", OTPGW_BROKEN,
     "the account may not use the origination identity"},
    {"ValidationException", "SENDER_ID_NOT_REGISTERED", OTPGW_REJECTED, kCountry},
    {"ValidationException", "SENDER_ID_NOT_SUPPORTED", OTPGW_REJECTED, kCountry},
    {"ValidationException", "SENDER_ID_REQUIRES_REGISTRATION", OTPGW_REJECTED, kCountry},
    {"ValidationException", "UNKNOWN_OPERATION", OTPGW_BROKEN, kEndpoint},
    {"ValidationException", "", OTPGW_REJECTED, kInvalid},
    // SendMessages
    {"BadRequestException", "", OTPGW_REJECTED, kInvalid},
    {"ForbiddenException", "", OTPGW_BROKEN, kRights},
    {"InternalServerErrorException", "", OTPGW_RETRY, kInside},
    {"MethodNotAllowedException", "", OTPGW_BROKEN, kEndpoint},
    {"NotFoundException", "", OTPGW_BROKEN, "no such application_id in this region"},
    {"PayloadTooLargeException", "", OTPGW_REJECTED, kInvalid},
    {"TooManyRequestsException", "", OTPGW_RETRY, kBusy},
    // Any service: the signature and what is behind it
    {"AccessDenied", "", OTPGW_BROKEN, kRights},
    {"ExpiredToken", "", OTPGW_BROKEN, kKey},
    {"ExpiredTokenException", "", OTPGW_BROKEN, kKey},
    {"IncompleteSignature", "", OTPGW_BROKEN, kKey},
    {"IncompleteSignatureException", "", OTPGW_BROKEN, kKey},
    {"InvalidClientTokenId", "", OTPGW_BROKEN, kKey},
    {"InvalidSignatureException", "", OTPGW_BROKEN, kKey},
    {"MissingAuthenticationToken", "", OTPGW_BROKEN, kKey},
    {"MissingAuthenticationTokenException", "", OTPGW_BROKEN, kKey},
    {"NotAuthorized", "", OTPGW_BROKEN, kRights},
    {"OptInRequired", "", OTPGW_BROKEN, kRights},
    {"RequestExpired", "", OTPGW_BROKEN, kKey},
    {"SignatureDoesNotMatch", "", OTPGW_BROKEN, kKey},
    {"UnrecognizedClientException", "", OTPGW_BROKEN, kKey},
    // Any service: the rest
    {"InternalFailure", "", OTPGW_RETRY, kInside},
    {"InvalidAction", "", OTPGW_BROKEN, kEndpoint},
    {"MalformedHttpRequestException", "", OTPGW_REJECTED, kInvalid},
    {"RequestAbortedException", "", OTPGW_UNKNOWN, "AWS gave the request up"},
    {"RequestEntityTooLargeException", "", OTPGW_REJECTED, kInvalid},
    {"RequestTimeoutException", "", OTPGW_RETRY, "the request came too slowly"},
    {"SerializationException", "", OTPGW_REJECTED, kInvalid},
    {"ServiceUnavailable", "", OTPGW_RETRY, kInside},
    {"ServiceUnavailableException", "", OTPGW_RETRY, kInside},
    {"Throttling", "", OTPGW_RETRY, kBusy},
    {"UnknownOperationException", "", OTPGW_BROKEN, kEndpoint},
    {"ValidationError", "", OTPGW_REJECTED, kInvalid},
};

// A refusal that has no row.
RefusalRow by_status(int status) {
  const auto row = [](int32_t code, const char* words) { return RefusalRow{{}, {}, code, words}; };
  switch (status) {
    case 401:
    case 403:
      return row(OTPGW_BROKEN, kRights);
    case 404:
    case 405:
      return row(OTPGW_BROKEN, kEndpoint);
    case 408:
    case 425:
    case 429:
      return row(OTPGW_RETRY, kBusy);
    case 502:  // a gateway lost what stands behind it, which may have sent
    case 504:
      return row(OTPGW_UNKNOWN, "a gateway before AWS has no answer");
    default:
      if (status < 400) return row(OTPGW_BROKEN, "the endpoint does not answer as AWS does");
      return status < 500 ? row(OTPGW_REJECTED, kInvalid) : row(OTPGW_RETRY, kInside);
  }
}

RefusalRow row_of(const Refusal& refusal, int status) {
  for (const auto& reason : {std::string_view(refusal.reason), std::string_view()})
    for (const auto& row : kRefusals)
      if (row.exception == refusal.exception && row.reason == reason) return row;
  return by_status(status);
}

Result refused(const http::Answer& answer, std::string_view error_type) {
  const auto refusal = read_refusal(answer, error_type);
  const auto row = row_of(refusal, answer.status);
  std::string detail = "AWS answered " + std::to_string(answer.status);
  for (const auto& name : {refusal.exception, refusal.reason, refusal.field})
    if (!name.empty()) detail.append(" ").append(name);
  return {.code = row.code, .detail = detail + ": " + row.words, .upstream_id = {}};
}

Result delivered(const http::Answer& answer, const std::string& address) {
  const auto delivery = read_delivery(answer, address);
  if (delivery.status.empty()) return Result::unknown("AWS answered without saying what became of it");
  const auto* row = std::ranges::find(kStatuses, delivery.status, &StatusRow::status);
  if (row == std::end(kStatuses))
    return Result::unknown("AWS answered " + delivery.status + ": a status that is not documented");
  Result result{.code = row->code, .detail = {}, .upstream_id = delivery.message_id};
  if (row->code != OTPGW_SENT) result.detail = "AWS answered " + delivery.status + ": " + row->words;
  return result;
}

Result accepted(const http::Answer& answer) {
  auto id = read_message_id(answer);
  return id.empty() ? Result::unknown("AWS answered without a message id") : Result::sent(std::move(id));
}

}  // namespace

Result verdict(Api api, const http::Answer& answer, std::string_view error_type, const std::string& address) {
  if (answer.fate != http::Answer::Fate::answered) return http::no_answer(answer);
  const auto result = !answer.success()      ? refused(answer, error_type)
                      : api == Api::pinpoint ? delivered(answer, address)
                                             : accepted(answer);
  return http::with_status(result, answer);
}

}  // namespace otpgw::pinpoint
