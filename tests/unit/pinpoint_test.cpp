// Goal: pinpoint.so puts the requests that AWS documents on the wire, refuses configurations that can't be
// meant, and takes the phone numbers that it should. Method: loads the plug-in through the worker's plug-in
// host and reads what an HTTP server on loopback got. The signature and the bodies are held against AWS's own
// libraries in tests/providers.
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pinpoint_fixture.h"

namespace otpgw {
namespace {

using namespace test;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using wire::ResultCode;

// The request that a configuration makes.
std::string request_of(const std::string& more, const wire::Job& what = job(kNumber)) {
  const FakeHttpServer server(says(answer(403)));
  auto instance = pinpoint_instance(pinpoint_config(at(server) + more));
  EXPECT_EQ(send(instance, what).upstream_status, 403);
  return server.requests().at(0);
}
Poco::JSON::Object::Ptr json(const std::string& request) {
  return Poco::JSON::Parser().parse(body_of(request)).extract<Poco::JSON::Object::Ptr>();
}
std::string text(const Poco::JSON::Object::Ptr& object) {
  std::ostringstream out;
  object->stringify(out);
  return out.str();
}

constexpr const char* kDlt =
    R"(,"sms_sender_id":"MYAPP","sms_entity_id":"1101","sms_template_id":"1107","sms_message_type":"PROMOTIONAL")";

// --- the request
// -----------------------------------------------------------------------------------------------

TEST(Pinpoint, PostsToSendMessages) {
  const auto request = request_of(kDlt);
  EXPECT_THAT(request, StartsWith("POST /v1/apps/0123abcd/messages HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "Content-Type"), "application/json");
  EXPECT_EQ(header(request, "User-Agent"), "otpgateway");
  EXPECT_THAT(header(request, "Host"), ContainsRegex("^127.0.0.1:[0-9]+$"));
  EXPECT_THAT(header(request, "Authorization"),
              ContainsRegex("^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]{8}/ap-south-1/mobiletargeting/"));
  EXPECT_THAT(request, Not(HasSubstr("geheim")));
  const auto body = json(request);
  EXPECT_EQ(body->size(), 3U);
  EXPECT_EQ(text(body->getObject("Addresses")), R"({"+919876543210":{"ChannelType":"SMS"}})");
  EXPECT_EQ(text(body->getObject("Context")), R"({"job":"job-1","namespace":"myApp"})");
  const auto message = body->getObject("MessageConfiguration")->getObject("SMSMessage");
  EXPECT_EQ(message->size(), 5U);
  EXPECT_EQ(message->getValue<std::string>("Body"), job(kNumber).body);
  EXPECT_EQ(message->getValue<std::string>("MessageType"), "PROMOTIONAL");
  EXPECT_EQ(message->getValue<std::string>("SenderId"), "MYAPP");
  EXPECT_EQ(message->getValue<std::string>("EntityId"), "1101");
  EXPECT_EQ(message->getValue<std::string>("TemplateId"), "1107");
}

TEST(Pinpoint, PostsToSendTextMessage) {
  const auto request = request_of(
      std::string(kSmsVoice) + kDlt +
      R"(,"origination_identity":"pool-0a1","configuration_set":"codes","max_price":"0.05","dry_run":true)");
  EXPECT_THAT(request, StartsWith("POST / HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(header(request, "X-Amz-Target"), "PinpointSMSVoiceV2.SendTextMessage");
  EXPECT_THAT(header(request, "Authorization"), HasSubstr("/ap-south-1/sms-voice/aws4_request"));
  const auto body = json(request);
  EXPECT_EQ(body->size(), 10U);
  EXPECT_EQ(body->getValue<std::string>("DestinationPhoneNumber"), kNumber);
  EXPECT_EQ(body->getValue<std::string>("OriginationIdentity"), "pool-0a1");
  EXPECT_EQ(body->getValue<std::string>("MessageBody"), job(kNumber).body);
  EXPECT_EQ(body->getValue<std::string>("MessageType"), "PROMOTIONAL");
  EXPECT_EQ(body->getValue<std::string>("ConfigurationSetName"), "codes");
  EXPECT_EQ(body->getValue<std::string>("MaxPrice"), "0.05");
  EXPECT_TRUE(body->getValue<bool>("DryRun"));
  EXPECT_EQ(text(body->getObject("Context")), R"({"job":"job-1","namespace":"myApp"})");
  EXPECT_EQ(text(body->getObject("DestinationCountryParameters")),
            R"({"IN_ENTITY_ID":"1101","IN_TEMPLATE_ID":"1107"})");
}

TEST(Pinpoint, LeavesEmptyFieldsOut) {
  const std::string empty =
      R"(,"sms_sender_id":"","sms_entity_id":"","sms_template_id":"","sms_message_type":"",)"
      R"("origination_identity":"","configuration_set":"","max_price":"","dry_run":false)";
  const auto message = json(request_of(empty))->getObject("MessageConfiguration")->getObject("SMSMessage");
  EXPECT_EQ(text(message).substr(0, 8), R"({"Body":)");
  EXPECT_EQ(message->size(), 1U);
  const auto body = json(request_of(kSmsVoice + empty));
  for (const auto* absent : {"OriginationIdentity", "MessageType", "ConfigurationSetName", "MaxPrice",
                             "DestinationCountryParameters", "DryRun"})
    EXPECT_FALSE(body->has(absent)) << absent;
  EXPECT_EQ(body->size(), 4U);
  // One-time passwords are transactional unless somebody says otherwise.
  EXPECT_EQ(json(request_of(kSmsVoice))->getValue<std::string>("MessageType"), "TRANSACTIONAL");
}

TEST(Pinpoint, TheSenderIdIsAnOriginationIdentity) {
  EXPECT_EQ(json(request_of(std::string(kSmsVoice) + kDlt))->getValue<std::string>("OriginationIdentity"),
            "MYAPP");
}

TEST(Pinpoint, AwsKeepsAMessageNoLongerThanItsCodeLives) {
  const auto seconds = [](int64_t left_ms) {
    auto what = job(kNumber);
    what.expiry_unix_ms = unix_ms() + left_ms;
    return json(request_of(kSmsVoice, what))->getValue<int64_t>("TimeToLive");
  };
  EXPECT_NEAR(static_cast<double>(seconds(300'000)), 295, 5);
  EXPECT_EQ(seconds(2'000), 5);
  EXPECT_EQ(seconds(1'000'000'000), 259'200);
}

// --- the configuration
// -----------------------------------------------------------------------------------------

TEST(Pinpoint, RefusesConfigurationsAndSaysWhy) {
  const struct {
    const char *more, *expected;
  } kCases[] = {
      {R"(,"application_id":"")", "application_id: missing"},
      {R"(,"application_id":"a/../b")", "application_id: expected the id of the Pinpoint project"},
      {R"(,"access_key":"")", "access_key: missing"},
      {R"(,"access_key":"AKID geheim")", "access_key: expected an access key id"},
      {R"(,"access_key":"ASIAEXAMPLE")", "access_key: this is a temporary one"},
      {R"(,"secret_key":"")", "secret_key: missing"},
      {R"(,"secret_key":"geheim\n")", "secret_key: expected a secret access key, without spaces"},
      {R"(,"secret_key":["geheim"])", "secret_key: expected text"},
      {R"(,"region":"")", "region: missing"},
      {R"(,"region":"mars north")", "region: expected a region like ap-south-1"},
      {R"(,"region":"ap-south-1.evil.example/")", "region: expected a region like"},
      {R"(,"api":"sns")", "api: expected one of pinpoint, sms-voice"},
      {R"(,"endpoint":"aws.example")", "endpoint: expected https://HOST or https://HOST:PORT"},
      {R"(,"endpoint":"ftp://aws.example")", "endpoint: expected https://HOST"},
      {R"(,"endpoint":"https://aws.example/path")", "endpoint: expected https://HOST"},
      {R"(,"endpoint":"https://u:geheim@aws.example")", "endpoint: expected https://HOST"},
      {R"(,"sms_sender_id":"much too long for one")", "sms_sender_id: expected a sender id"},
      {R"(,"sms_entity_id":"1 2")", "sms_entity_id: expected an id"},
      {R"(,"sms_template_id":"1\n2")", "sms_template_id: expected an id"},
      {R"(,"sms_message_type":"LOVE_LETTER")", "sms_message_type: expected one of TRANSACTIONAL"},
      {R"(,"default_phone_code":"India")", "default_phone_code: expected a country calling code"},
      {R"(,"default_phone_code":"+999")", "default_phone_code: expected a country calling code"},
      {R"(,"origination_identity":"+15550100")", "origination_identity: works with api = \"sms-voice\" only"},
      {R"(,"configuration_set":"codes")", "configuration_set: works with api = \"sms-voice\" only"},
      {R"(,"max_price":"0.05")", "max_price: works with api = \"sms-voice\" only"},
      {R"(,"dry_run":true)", "dry_run: works with api = \"sms-voice\" only"},
      {R"(,"api":"sms-voice","dry_run":"perhaps")", "dry_run: expected true or false"},
      {R"(,"api":"sms-voice","max_price":"5 cents")", "max_price: expected US dollars"},
      {R"(,"api":"sms-voice","max_price":"5")", "max_price: expected US dollars"},
      {R"(,"api":"sms-voice","origination_identity":"My Company")", "origination_identity: expected a phone"},
      {R"(,"api":"sms-voice","configuration_set":"a b")", "configuration_set: expected a configuration set"},
  };
  for (const auto& [more, expected] : kCases) {
    const auto made = create_pinpoint(pinpoint_config(more));
    ASSERT_FALSE(made) << more;
    EXPECT_THAT(made.error(), StartsWith(expected)) << more;
    EXPECT_THAT(made.error(), Not(HasSubstr("geheim")));
  }
}

TEST(Pinpoint, TakesConfigurationsThatAreRight) {
  for (const auto* more :
       {"", R"(,"region":"us-gov-west-1")", R"(,"endpoint":"https://vpce-1.pinpoint.example:8443/")",
        R"(,"max_price":"","dry_run":"false","subject":"s","template":"sms.txt")", kSmsVoice,
        R"(,"api":"sms-voice","application_id":"","max_price":".5","origination_identity":)"
        R"("arn:aws:sms-voice:us-east-1:123456789012:pool/pool-0a1")"}) {
    const auto made = create_pinpoint(pinpoint_config(more));
    EXPECT_TRUE(made) << more << ": " << made.error();
  }
}

TEST(Pinpoint, DescribesItself) {
  const auto& descriptor = pinpoint().descriptors().front();
  EXPECT_EQ(descriptor.channel_kind, wire::ChannelKind::sms);
  EXPECT_EQ(descriptor.channel_name, "SMS");
  EXPECT_EQ(descriptor.flags, 0U);  // no idempotency key: an unknown one is not sent again
  EXPECT_EQ(descriptor.body_bytes_max, 1600U);
}

// --- addresses
// -------------------------------------------------------------------------------------------------

TEST(Pinpoint, NormalisesPhoneNumbers) {
  auto instance = pinpoint_instance(pinpoint_config());
  const auto validated = [&](const std::string& address) {
    return instance.validate({.request = 1, .address = address});
  };
  for (const auto* typed : {"+919876543210", "9876543210", "00 91 98765-43210", "(098) 7654 3210"}) {
    const auto address = validated(typed);
    EXPECT_EQ(address.verdict, wire::AddressVerdict::valid) << typed << address.sentence;
    EXPECT_EQ(address.normalised, kNumber) << typed;
    EXPECT_EQ(address.country, "IN");
  }
  EXPECT_EQ(validated("+44 20 7946 0958").country, "GB");
  for (const auto* bad : {"", "john@doe.example", "12", "+91"})
    EXPECT_EQ(validated(bad).verdict, wire::AddressVerdict::invalid) << bad;
  EXPECT_EQ(validated(std::string(65, '1')).verdict, wire::AddressVerdict::too_long);
}

TEST(Pinpoint, ChecksTheAddressAgainWhenSending) {
  const FakeHttpServer server(says(answer(200, R"({"MessageId":"m-1"})")));
  auto instance = pinpoint_instance(pinpoint_config(at(server) + kSmsVoice));
  EXPECT_EQ(send(instance, job("nobody")).code, ResultCode::rejected);
  EXPECT_TRUE(server.requests().empty());
  EXPECT_EQ(send(instance, job("98765 43210")).code, ResultCode::sent);
  EXPECT_EQ(json(server.requests().at(0))->getValue<std::string>("DestinationPhoneNumber"), kNumber);
}

}  // namespace
}  // namespace otpgw
