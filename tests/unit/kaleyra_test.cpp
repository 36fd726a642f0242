// Goal: kaleyra.so asks Kaleyra for what its API wants, takes an answer for sent only when it says so, and
// quotes nothing of it but its code; configurations that can't be meant are refused with their key. Method:
// loads the plug-in through the worker's plug-in host and lets an HTTP server on loopback play the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "provider_fixture.h"

namespace otpgw {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using wire::ResultCode;

constexpr auto kSms = "kaleyra_sms", kWhatsApp = "kaleyra_whatsapp";
constexpr auto kKeys = R"("api_key":"geheim","sid":"HXIN1IN","sender":"KLRHXA","default_phone_code":"+91")";
constexpr auto kTemplate = R"(,"template_name":"otp")";
constexpr auto kTaken =
    R"({"id":"d990-1","type":"OTP","totalCount":1,"data":[{"message_id":"d990-1:1","recipient":"919876543210"}],"error":{}})";

worker::PluginLibrary& kaleyra() {
  static const auto loaded = load_plugin("kaleyra.so");
  return *loaded;
}

// `host` and what else there is to say.
std::string config_for(const FakeHttpServer& server, const std::string& more = {}) {
  return std::string("{") + kKeys + R"(,"scheme":"http","host":"127.0.0.1:)" + std::to_string(server.port()) +
         "\"" + more + "}";
}

worker::PluginInstance instance(const std::string& provider, const std::string& config) {
  auto made = create(kaleyra(), provider, config);
  if (!made) throw std::runtime_error(made.error());
  return std::move(*made);
}

wire::Result sent_to(FakeHttpServer::Answerer upstream, std::chrono::milliseconds timeout = kTimeout) {
  const FakeHttpServer server(std::move(upstream));
  auto sms = instance(kSms, config_for(server));
  return send(sms, job("9876543210"), timeout);
}

// The request that a message makes.
std::string request_of(const std::string& provider, const std::string& more, const std::string& to) {
  const FakeHttpServer server(says(answer(202, kTaken)));
  auto made = instance(provider, config_for(server, more));
  const auto result = send(made, job(to));
  EXPECT_EQ(result.code, ResultCode::sent) << result.detail;
  EXPECT_EQ(result.upstream_id, "d990-1:1");
  EXPECT_EQ(result.upstream_status, 202);
  return server.requests().at(0);
}

// --- the request
// -----------------------------------------------------------------------------------------------

TEST(Kaleyra, AsksForAnSms) {
  const auto request =
      request_of(kSms, R"(,"sms_entity_id":"1101","sms_template_id":"1107")", "(098) 7654-3210");
  EXPECT_THAT(request, testing::StartsWith("POST /v1/HXIN1IN/messages HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "api-key"), "geheim");
  EXPECT_EQ(header(request, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(body_of(request),
            "to=%2B919876543210&type=OTP&sender=KLRHXA&body=Code%3A%20354965%0A%5Co%2F%20%26%20%C3%BC%01"
            "&template_id=1107&entity_id=1101");
}

TEST(Kaleyra, LeavesOutWhatIsEmpty) {
  const auto request = request_of(kSms, R"(,"sms_entity_id":"","sms_template_id":"")", "+44 20 7946 0018");
  EXPECT_THAT(body_of(request), Not(HasSubstr("template_id")));
  EXPECT_THAT(body_of(request), Not(HasSubstr("entity_id")));
  EXPECT_THAT(body_of(request), HasSubstr("to=%2B442079460018&"));
}

TEST(Kaleyra, AsksForAWhatsAppMessage) {
  const auto request = request_of(kWhatsApp, kTemplate, "9876543210");
  EXPECT_THAT(request, testing::StartsWith("POST /v1/HXIN1IN/messages HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "api-key"), "geheim");
  EXPECT_EQ(body_of(request),
            "to=%2B919876543210&type=authenticationtemplate&channel=whatsapp&from=KLRHXA&template_name=otp"
            "&verification_code=354965");
}

TEST(Kaleyra, DescribesItsProviders) {
  const auto& descriptors = kaleyra().descriptors();
  ASSERT_EQ(descriptors.size(), 2U);
  EXPECT_EQ(descriptors[0].id, kSms);
  EXPECT_EQ(descriptors[0].channel_kind, wire::ChannelKind::sms);
  EXPECT_EQ(descriptors[1].id, kWhatsApp);
  EXPECT_EQ(descriptors[1].channel_kind, wire::ChannelKind::whatsapp);
  for (const auto& one : descriptors) {
    EXPECT_EQ(one.otp_length_max, 6U);
    EXPECT_EQ(one.flags & OTPGW_FLAG_IDEMPOTENT, 0U) << "Kaleyra knows no idempotency key";
  }
}

// --- the configuration
// -----------------------------------------------------------------------------------------

TEST(Kaleyra, RefusesConfigurationsAndSaysWhy) {
  const struct {
    const char *provider, *config, *expected;
  } kCases[] = {
      {kSms, R"({"sid":"H","sender":"S"})", "api_key: missing"},
      {kSms, R"({"api_key":"geheim","sender":"S"})", "sid: missing"},
      {kSms, R"({"api_key":"geheim","sid":"","sender":"S"})", "sid: missing"},
      {kSms, R"({"api_key":"geheim","sid":"H"})", "sender: missing"},
      {kSms, R"({"api_key":"geheim\r\nX: 1","sid":"H","sender":"S"})", "api_key: expected printable"},
      {kSms, R"({"api_key":"gehe im","sid":"H","sender":"S"})", "api_key: expected printable"},
      {kSms, R"({"api_key":"geheim","sid":"H/../x","sender":"S"})", "sid: expected letters and digits"},
      {kSms, R"({"api_key":"geheim","sid":"H?x","sender":"S"})", "sid: expected letters and digits"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S\n"})", "sender: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":[]})", "sender: expected text"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","default_phone_code":"India"})",
       "default_phone_code: expected a country calling code"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","sms_entity_id":"a\nb"})",
       "sms_entity_id: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","sms_template_id":{}})",
       "sms_template_id: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","scheme":"ftp"})",
       "scheme: expected one of https"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":"https://api.kaleyra.io"})",
       "host: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":"api.kaleyra.io/x"})", "host: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":"me@api.kaleyra.io"})", "host: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":"api.kaleyra.io:"})", "host: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":"api.kaleyra.io:65536"})",
       "host: expected"},
      {kSms, R"({"api_key":"geheim","sid":"H","sender":"S","host":":80"})", "host: expected"},
      {kWhatsApp, R"({"api_key":"geheim","sid":"H","sender":"S"})", "template_name: missing"},
      {kWhatsApp, R"({"api_key":"geheim","sid":"H","sender":"S","template_name":"a\tb"})",
       "template_name: expected"},
      {kWhatsApp, R"({"sid":"H","sender":"S","template_name":"otp"})", "api_key: missing"},
  };
  for (const auto& [provider, config, expected] : kCases) {
    const auto made = create(kaleyra(), provider, config);
    ASSERT_FALSE(made) << config;
    EXPECT_THAT(made.error(), HasSubstr(expected)) << config;
    EXPECT_THAT(made.error(), Not(HasSubstr("geheim")));
  }
  EXPECT_TRUE(create(kaleyra(), kSms,
                     R"({"api_key":"geheim","sid":"HX-1_IN","sender":"Acme Inc","host":"api.in.kaleyra.io",)"
                     R"("enabled":true,"subject":"","template":"","max_conns":10,"timeout":"5s"})"));
}

// --- addresses
// -------------------------------------------------------------------------------------------------

TEST(Kaleyra, TakesPhoneNumbers) {
  const FakeHttpServer server(says(answer(202, kTaken)));
  for (const auto& [provider, more] : {std::pair{kSms, ""}, std::pair{kWhatsApp, kTemplate}}) {
    auto made = instance(provider, config_for(server, more));
    const auto number = made.validate({.request = 1, .address = "0091 98765 43210"});
    EXPECT_EQ(number.verdict, wire::AddressVerdict::valid);
    EXPECT_EQ(number.normalised, "+919876543210");
    EXPECT_EQ(number.country, "IN");
    EXPECT_EQ(made.validate({.request = 2, .address = "john@doe.example"}).verdict,
              wire::AddressVerdict::invalid);
    // Taken by its length while no worker was there.
    EXPECT_EQ(send(made, job("nobody")).code, ResultCode::rejected);
  }
  EXPECT_TRUE(server.requests().empty());
}

// --- what an answer means
// --------------------------------------------------------------------------------------

TEST(Kaleyra, EveryStatusMeansSomething) {
  const auto* const refused =
      R"({"code":"RBC114","message":"Invalid number 9876543210","error":{"error":"x"}})";
  for (int status = 300; status < 600; ++status) {
    const auto expected = status == 408 || status == 425 || status == 429 || status >= 500 ? ResultCode::retry
                          : status == 401 || status == 403 ? ResultCode::broken
                                                           : ResultCode::rejected;
    const auto result = sent_to(says(answer(status, refused)));
    EXPECT_EQ(result.code, expected) << status;
    EXPECT_EQ(result.upstream_status, status);
    EXPECT_THAT(result.detail, HasSubstr("answered " + std::to_string(status)));
    EXPECT_EQ(result.detail.find("(RBC114)") == std::string::npos, status == 304) << "that one has no body";
    EXPECT_THAT(result.detail, Not(HasSubstr("9876543210")));
  }
  EXPECT_EQ(sent_to(says(answer(429, "", "Retry-After: 7\r\n"))).retry_after_ms, 7000);
}

TEST(Kaleyra, SentIsOnlyWhatSaysSo) {
  const struct {
    int status;
    std::string body;
    ResultCode code;
    const char* id;
  } kCases[] = {
      {202, R"({"data":[{"message_id":"m:1"}],"error":{}})", ResultCode::sent, "m:1"},
      {200, R"({"id":"m","data":[{"message_id":"m:1"}],"error":[]})", ResultCode::sent, "m:1"},
      {200, R"({"id":"m","error":null})", ResultCode::sent, "m"},
      {200, R"({"id":17,"error":""})", ResultCode::sent, "17"},
      {200, R"({"id":"m","data":[]})", ResultCode::sent, "m"},
      {200, R"({"id":"m","data":{"message_id":"m:1"}})", ResultCode::sent, "m"},
      {200, R"({"id":"m","error":{"error":"Insufficient credits"}})", ResultCode::rejected, ""},
      {200, R"({"id":"m","data":[{"message_id":"m:1"}],"error":["919876543210"]})", ResultCode::rejected, ""},
      {200, R"({"code":"RBC400","message":"no","error":"Invalid"})", ResultCode::rejected, ""},
      {200, R"({"id":"m","error":false})", ResultCode::rejected, ""},
      {200, R"({"error":{}})", ResultCode::unknown, ""},
      {200, R"({"id":"","data":[{"message_id":null}]})", ResultCode::unknown, ""},
      {200, R"({"id":{"a":1},"data":["m"]})", ResultCode::unknown, ""},
      {200, R"({"data":[{}]})", ResultCode::unknown, ""},
      {200, R"({"id":true})", ResultCode::unknown, ""},
      {204, "", ResultCode::unknown, ""},
      {200, R"(["id"])", ResultCode::unknown, ""},
      {200, R"({"id":"m","error":{})", ResultCode::unknown, ""},  // not JSON
      {200, "<html>OK</html>", ResultCode::unknown, ""},
      {200, R"({"id":)" + std::string(60'000, '['), ResultCode::unknown, ""},
      {500, "<html>Oops</html>", ResultCode::retry, ""},
  };
  for (const auto& [status, body, code, id] : kCases) {
    const auto result = sent_to(says(answer(status, body)));
    EXPECT_EQ(result.code, code) << status << body.substr(0, 80);
    EXPECT_EQ(result.upstream_id, id) << body.substr(0, 80);
  }
}

TEST(Kaleyra, NothingOfTheAnswerIsQuotedButItsCode) {
  for (const auto* code : {R"("9876543210")", R"("354965")", R"("RBC 354965")", R"("RBC1234567890123")",
                           "354965", R"({"a":"354965"})", R"(["RBC1"])"})
    for (const int status : {200, 400, 401, 500}) {
      const auto result =
          sent_to(says(answer(status, std::string(R"({"code":)") + code +
                                          R"(,"message":"geheim 354965","error":{"e":"9876543210"}})")));
      for (const auto* never : {"354965", "9876543210", "geheim", "RBC"})
        EXPECT_THAT(result.detail, Not(HasSubstr(never))) << code;
      EXPECT_THAT(result.detail, HasSubstr(std::to_string(status)));
    }
  EXPECT_THAT(sent_to(says(answer(200, R"({"code":"RBC207","error":{"a":"b"}})"))).detail,
              HasSubstr("(RBC207)"));
}

// --- upstreams that misbehave
// ----------------------------------------------------------------------------------

TEST(Kaleyra, ALostAnswerIsUnknownAndALostConnectionIsRetry) {
  const auto silent = [](int socket, const std::string&) {
    char byte = 0;
    return ::recv(socket, &byte, 1, 0) > 0;  // until the other side gives up
  };
  EXPECT_EQ(sent_to(silent, kShort).code, ResultCode::unknown);
  for (const auto* text : {"", "HTTP/1.1 2", "garbage\r\n\r\n"})
    EXPECT_EQ(sent_to(says(text, false)).code, ResultCode::unknown) << text;
  std::string config;
  {
    const FakeHttpServer gone(says(""));
    config = config_for(gone);
  }
  auto sms = instance(kSms, config);
  EXPECT_EQ(send(sms, job("9876543210")).code, ResultCode::retry);
  EXPECT_EQ(send(sms, job("9876543210"), 0ms).code, ResultCode::retry);
}

TEST(Kaleyra, AnAnswerThatCameInPartSaysNothing) {
  const auto cut = std::string("HTTP/1.1 202 X\r\nContent-Length: 500\r\n\r\n") + kTaken;
  EXPECT_EQ(sent_to(says(cut, false)).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(says(answer(202, kTaken + std::string(1 << 20, ' ')))).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(says(answer(500, std::string(1 << 20, 'x')))).code, ResultCode::retry);
}

TEST(Kaleyra, NeverAsksTwiceAndFollowsNoRedirect) {
  int asked = 0;
  // The kept connection dies under the second request.
  const FakeHttpServer server([&](int socket, const std::string&) {
    return ++asked != 2 && FakeHttpServer::write(socket, answer(202, kTaken));
  });
  auto sms = instance(kSms, config_for(server));
  EXPECT_EQ(send(sms, job("9876543210")).code, ResultCode::sent);
  EXPECT_EQ(send(sms, job("9876543210")).code, ResultCode::unknown);
  EXPECT_EQ(server.requests().size(), 2U);

  const FakeHttpServer target(says(answer(202, kTaken)));
  EXPECT_EQ(sent_to(says(answer(307, "", "Location: " + target.url() + "\r\n"))).code, ResultCode::rejected);
  EXPECT_EQ(target.connections(), 0);
}

}  // namespace
}  // namespace otpgw
