// Goal: pinpoint.so says truly what became of a message, whatever AWS answers and however the network
// misbehaves, and quotes nothing but AWS's own names. Method: sends through the worker's plug-in host to an
// HTTP server on loopback that answers as AWS documents it, or drips, hangs and hangs up as told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include "pinpoint_fixture.h"

namespace otpgw {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using wire::ResultCode;

std::string delivery(const std::string& status, const std::string& address = kNumber) {
  return R"({"ApplicationId":"0123abcd","RequestId":"r-1","Result":{")" + address +
         R"(":{"DeliveryStatus":")" + status +
         R"(","MessageId":"m-1","StatusCode":400,"StatusMessage":"Code: 354965 to +919876543210"}}})";
}
wire::Result sent_by_pinpoint(int status, const std::string& body, const std::string& headers = {}) {
  return sent_by_aws(says(answer(status, body, headers)));
}
wire::Result sent_by_sms_voice(int status, const std::string& body, const std::string& headers = {}) {
  return sent_by_aws(says(answer(status, body, headers)), kSmsVoice);
}
std::string error_type(const std::string& name) {
  return "x-amzn-ErrorType: " + name + ":http://internal.amazon.com/\r\n";
}

// Neither the code nor the address nor words of the answer.
void expect_discreet(const std::string& detail) {
  for (const auto* secret : {"354965", "9876543210", "geheim", "Code"})
    EXPECT_THAT(detail, Not(HasSubstr(secret)));
  EXPECT_LT(detail.size(), 256U) << detail;
}

// --- SendMessages
// ----------------------------------------------------------------------------------------------

TEST(PinpointAnswer, EveryDeliveryStatusMeansSomething) {
  const struct {
    const char* status;
    ResultCode code;
  } kRows[] = {{"SUCCESSFUL", ResultCode::sent},
               {"THROTTLED", ResultCode::retry},
               {"TEMPORARY_FAILURE", ResultCode::retry},
               {"OPT_OUT", ResultCode::rejected},
               {"PERMANENT_FAILURE", ResultCode::rejected},
               {"DUPLICATE", ResultCode::unknown},
               {"TIMEOUT", ResultCode::unknown},
               {"UNKNOWN_FAILURE", ResultCode::unknown},
               {"SOMETHING_NEW", ResultCode::unknown}};
  for (const auto& [status, code] : kRows) {
    const auto result = sent_by_pinpoint(200, delivery(status));
    EXPECT_EQ(result.code, code) << status;
    EXPECT_EQ(result.upstream_status, 200);
    if (code == ResultCode::sent) {
      EXPECT_EQ(result.upstream_id, "m-1");
      EXPECT_EQ(result.detail, "");
    } else {
      EXPECT_THAT(result.detail, StartsWith(std::string("AWS answered ") + status + ": "));
    }
    expect_discreet(result.detail);
  }
  EXPECT_EQ(sent_by_pinpoint(200, R"({"MessageResponse":)" + delivery("SUCCESSFUL") + "}").code,
            ResultCode::sent);
}

TEST(PinpointAnswer, OnlyOurAddresssStatusCounts) {
  for (const auto& body : {
           delivery("SUCCESSFUL", "+919876543211"),
           delivery("SUCCESSFUL", "919876543210"),
           std::string(R"({"ApplicationId":"0123abcd","Result":{}})"),
           std::string(R"({"ApplicationId":"0123abcd"})"),
           std::string(R"({"Result":{"+919876543210":"SUCCESSFUL"}})"),
           std::string(R"({"Result":{"+919876543210":{"DeliveryStatus":1}}})"),
           std::string(R"({"Result":["SUCCESSFUL"]})"),
           std::string(R"({"MessageId":"m-1"})"),
           std::string(R"(["SUCCESSFUL"])"),
           std::string("SUCCESSFUL"),
           std::string(),
       }) {
    const auto result = sent_by_pinpoint(200, body);
    EXPECT_EQ(result.code, ResultCode::unknown) << body;
    EXPECT_EQ(result.detail, "AWS answered without saying what became of it") << body;
  }
}

// --- SendTextMessage
// ----------------------------------------------------------------------------------------------

TEST(PinpointAnswer, OnlyAMessageIdIsSuccess) {
  const auto sent = sent_by_sms_voice(200, R"({"MessageId":"m-1"})");
  EXPECT_EQ(sent.code, ResultCode::sent);
  EXPECT_EQ(sent.upstream_id, "m-1");
  for (const auto* body :
       {"", "{}", "[]", "OK", R"({"MessageId":""})", R"({"MessageId":5})", R"({"MessageId":)"})
    EXPECT_EQ(sent_by_sms_voice(200, body).code, ResultCode::unknown) << body;
}

// --- what is refused
// ----------------------------------------------------------------------------------------------

struct Refusal {
  const char* exception;
  const char* reason;
  ResultCode code;
};
constexpr auto kRetry = ResultCode::retry, kRejected = ResultCode::rejected, kUnknown = ResultCode::unknown,
               kBroken = ResultCode::broken;
constexpr Refusal kRefusals[] = {
    {"AccessDeniedException", "", kBroken},
    {"AccessDeniedException", "ACCOUNT_DISABLED", kBroken},
    {"AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION", kBroken},
    {"ConflictException", "", kRetry},
    {"ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", kRejected},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE", kRejected},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", kRejected},
    {"ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", kRejected},
    {"ConflictException", "MESSAGE_TYPE_MISMATCH", kBroken},
    {"ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", kRejected},
    {"ConflictException", "NUMBER_CAPABILITIES_MISMATCH", kBroken},
    {"ConflictException", "REGISTRATION_NOT_COMPLETE", kBroken},
    {"ConflictException", "RESOURCE_NOT_ACTIVE", kBroken},
    {"InternalServerException", "", kRetry},
    {"ResourceNotFoundException", "", kBroken},
    {"ServiceQuotaExceededException", "", kBroken},
    {"ServiceQuotaExceededException", "DAILY_DESTINATION_CALL_LIMIT", kRejected},
    {"ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", kBroken},
    {"ThrottlingException", "", kRetry},
    {"ValidationException", "", kRejected},
    {"ValidationException", "CHANNEL_NOT_ENABLED", kBroken},
    {"ValidationException", "COUNTRY_CODE_MISMATCH", kRejected},
    {"ValidationException", "COUNTRY_NOT_ENABLED", kRejected},
    {"ValidationException", "DESTINATION_COUNTRY_BLOCKED", kRejected},
    {"ValidationException", "FIELD_VALIDATION_FAILED", kRejected},
    {"ValidationException", "INTERNATIONAL_SENDING_NOT_SUPPORTED", kRejected},
    {"ValidationException", "INVALID_ARN", kBroken},
    {"ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", kRejected},
    {"ValidationException", "PRICE_OVER_THRESHOLD", kRejected},
    {"ValidationException", "RESOURCE_NOT_ACCESSIBLE", kBroken},
    {"ValidationException", "SENDER_ID_NOT_REGISTERED", kRejected},
    {"ValidationException", "SENDER_ID_NOT_SUPPORTED", kRejected},
    {"ValidationException", "SENDER_ID_REQUIRES_REGISTRATION", kRejected},
    {"ValidationException", "UNKNOWN_OPERATION", kBroken},
    {"BadRequestException", "", kRejected},
    {"ForbiddenException", "", kBroken},
    {"InternalServerErrorException", "", kRetry},
    {"MethodNotAllowedException", "", kBroken},
    {"NotFoundException", "", kBroken},
    {"PayloadTooLargeException", "", kRejected},
    {"TooManyRequestsException", "", kRetry},
    {"AccessDenied", "", kBroken},
    {"ExpiredToken", "", kBroken},
    {"ExpiredTokenException", "", kBroken},
    {"IncompleteSignature", "", kBroken},
    {"IncompleteSignatureException", "", kBroken},
    {"InternalFailure", "", kRetry},
    {"InvalidAction", "", kBroken},
    {"InvalidClientTokenId", "", kBroken},
    {"InvalidSignatureException", "", kBroken},
    {"MalformedHttpRequestException", "", kRejected},
    {"MissingAuthenticationToken", "", kBroken},
    {"MissingAuthenticationTokenException", "", kBroken},
    {"NotAuthorized", "", kBroken},
    {"OptInRequired", "", kBroken},
    {"RequestAbortedException", "", kUnknown},
    {"RequestEntityTooLargeException", "", kRejected},
    {"RequestExpired", "", kBroken},
    {"RequestTimeoutException", "", kRetry},
    {"SerializationException", "", kRejected},
    {"ServiceUnavailable", "", kRetry},
    {"ServiceUnavailableException", "", kRetry},
    {"SignatureDoesNotMatch", "", kBroken},
    {"Throttling", "", kRetry},
    {"UnknownOperationException", "", kBroken},
    {"UnrecognizedClientException", "", kBroken},
    {"ValidationError", "", kRejected},
};

// With a status that alone would mean something else, so that it is the name that counts.
TEST(PinpointAnswer, EveryExceptionMeansSomething) {
  for (const auto& [exception, reason, code] : kRefusals) {
    const int status = code == kRejected ? 503 : 400;
    const std::string body = std::string(R"({"__type":"com.amazonaws#)") + exception + R"(","Reason":")" +
                             reason + R"(","Message":"no Code 354965 to +919876543210"})";
    const auto in_body = sent_by_sms_voice(status, body);
    EXPECT_EQ(in_body.code, code) << exception << ' ' << reason;
    EXPECT_THAT(in_body.detail, HasSubstr(exception));
    EXPECT_THAT(in_body.detail, HasSubstr(reason));
    EXPECT_EQ(in_body.upstream_status, status);
    expect_discreet(in_body.detail);
    const std::string rest =
        std::string(R"({"RequestID":"r-1","Message":"geheim","Reason":")") + reason + "\"}";
    EXPECT_EQ(sent_by_pinpoint(status, rest, error_type(exception)).code, code) << exception << ' ' << reason;
  }
}

TEST(PinpointAnswer, WithoutANameTheStatusCounts) {
  const struct {
    int status;
    ResultCode code;
  } kRows[] = {{302, kBroken}, {400, kRejected}, {401, kBroken},   {403, kBroken},  {404, kBroken},
               {405, kBroken}, {408, kRetry},    {413, kRejected}, {425, kRetry},   {429, kRetry},
               {500, kRetry},  {502, kUnknown},  {503, kRetry},    {504, kUnknown}, {599, kRetry}};
  for (const auto& [status, code] : kRows)
    for (const auto& body : {std::string(), std::string("<html>geheim"),
                             std::string(R"({"__type":"Brand_New"})"), std::string(1 << 20, ' ')}) {
      const auto result = sent_by_pinpoint(status, body);
      EXPECT_EQ(result.code, code) << status << body.substr(0, 20);
      EXPECT_THAT(result.detail, HasSubstr("AWS answered " + std::to_string(status)));
      expect_discreet(result.detail);
    }
}

TEST(PinpointAnswer, NamesTheFieldThatDidNotPlease) {
  const auto result =
      sent_by_sms_voice(400, R"({"__type":"ValidationException","Reason":"INVALID_PARAMETER",)"
                             R"("Fields":[{"Name":"originationIdentity","Message":"geheim"}]})");
  EXPECT_THAT(result.detail,
              StartsWith("AWS answered 400 ValidationException INVALID_PARAMETER originationIdentity: "));
}

TEST(PinpointAnswer, TakesOnlyNamesForNames) {
  for (const auto& name : {std::string("E354965"), std::string("+919876543210"), std::string("a b"),
                           std::string(200, 'x'), std::string("geheim-354965")}) {
    const auto body =
        R"({"__type":")" + name + R"(","Reason":")" + name + R"(","Fields":[{"Name":")" + name + "\"}]}";
    const auto result = sent_by_sms_voice(400, body, error_type(name));
    EXPECT_EQ(result.detail, "AWS answered 400: AWS takes the request for invalid");
  }
}

TEST(PinpointAnswer, HonoursRetryAfter) {
  EXPECT_EQ(sent_by_pinpoint(429, "", "Retry-After: 7\r\n").retry_after_ms, 7000);
  EXPECT_EQ(sent_by_pinpoint(200, delivery("THROTTLED"), "Retry-After: 7\r\n").retry_after_ms, 7000);
  EXPECT_EQ(sent_by_pinpoint(400, "", "Retry-After: 7\r\n").retry_after_ms, 0);
}

// --- upstreams that misbehave
// ----------------------------------------------------------------------------------

TEST(PinpointAnswer, AnAnswerThatCameInPartSaysNothing) {
  const auto good = delivery("SUCCESSFUL");
  EXPECT_EQ(sent_by_aws(says("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + good, false)).code, kUnknown);
  EXPECT_EQ(sent_by_pinpoint(200, good + std::string(1 << 20, ' ')).code, kUnknown);
  EXPECT_EQ(sent_by_sms_voice(200, R"({"MessageId":"m-1"})" + std::string(1 << 20, ' ')).code, kUnknown);
  // A refusal stays one.
  const auto refused = error_type("ForbiddenException");
  EXPECT_EQ(sent_by_pinpoint(403, std::string(1 << 20, 'x'), refused).code, kBroken);
}

TEST(PinpointAnswer, HostileJsonHurtsNobody) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += R"({"Result":)";
  for (const auto& body : {deep, R"({"Result":)" + std::string(60'000, '['), "{" + std::string(60'000, '"'),
                           std::string(R"({"MessageId":1e999999999,"Result":"\ud800"})"),
                           std::string("{\0}", 3), std::string("{\xFF\xFE}"), std::string("garbage")}) {
    EXPECT_EQ(sent_by_pinpoint(200, body).code, kUnknown) << body.substr(0, 20);
    EXPECT_EQ(sent_by_sms_voice(200, body).code, kUnknown) << body.substr(0, 20);
    EXPECT_EQ(sent_by_sms_voice(500, body).code, kRetry) << body.substr(0, 20);
  }
  const auto longest = sent_by_sms_voice(200, R"({"MessageId":")" + std::string(60'000, 'x') + "\"}");
  EXPECT_EQ(longest.code, ResultCode::sent);
  EXPECT_LT(longest.upstream_id.size(), 128U);
}

TEST(PinpointAnswer, EndsByItsDeadline) {
  const auto began = std::chrono::steady_clock::now();
  const auto silent = [](int socket, const std::string&) {
    char byte = 0;
    return ::recv(socket, &byte, 1, 0) > 0;  // until the other side gives up
  };
  const auto drip = [](int socket, const std::string&) {
    FakeHttpServer::write(socket, "HTTP/1.1 200 OK\r\n\r\n{");
    while (FakeHttpServer::write(socket, " ")) std::this_thread::sleep_for(20ms);
    return false;
  };
  for (const auto* api : {"", kSmsVoice}) {
    EXPECT_EQ(sent_by_aws(silent, api, kShort).code, kUnknown);
    EXPECT_EQ(sent_by_aws(drip, api, kShort).code, kUnknown);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(PinpointAnswer, ALostAnswerIsUnknownAndALostConnectionIsRetry) {
  for (const auto* text : {"", "HTTP/1.1 2", "garbage\r\n\r\n", "SSH-2.0-x\r\n"})
    EXPECT_EQ(sent_by_aws(says(text, false)).code, kUnknown) << text;
  std::string endpoint;
  {
    const FakeHttpServer gone(says(""));
    endpoint = at(gone);
  }
  auto nobody = pinpoint_instance(pinpoint_config(endpoint));
  EXPECT_EQ(send(nobody, job(kNumber)).code, kRetry);
  EXPECT_EQ(send(nobody, job(kNumber), 0ms).code, kRetry);
  // TLS with somebody who speaks none.
  const FakeHttpServer plain(says("HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n"));
  auto secure = pinpoint_instance(
      pinpoint_config(R"(,"endpoint":"https://127.0.0.1:)" + std::to_string(plain.port()) + "\""));
  const auto failed = send(secure, job(kNumber), 2s);
  EXPECT_EQ(failed.code, kRetry);
  EXPECT_THAT(failed.detail, StartsWith("no connection: "));
}

TEST(PinpointAnswer, NothingIsPostedTwice) {
  int asked = 0;
  // The kept connection dies under the second request.
  const FakeHttpServer server([&](int socket, const std::string&) {
    return ++asked != 2 && FakeHttpServer::write(socket, answer(200, R"({"MessageId":"m-1"})"));
  });
  auto instance = pinpoint_instance(pinpoint_config(at(server) + kSmsVoice));
  EXPECT_EQ(send(instance, job(kNumber)).code, ResultCode::sent);
  EXPECT_EQ(send(instance, job(kNumber)).code, kUnknown);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(PinpointAnswer, KeepsItsConnection) {
  const FakeHttpServer server(says(answer(200, R"({"MessageId":"m-1"})")));
  auto instance = pinpoint_instance(pinpoint_config(at(server) + kSmsVoice));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(instance, job(kNumber)).code, ResultCode::sent);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace otpgw
