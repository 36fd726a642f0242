// Goal: webhook.so posts what the Go program posted, or what the configuration says, refuses configurations
// that can't be meant, and takes the addresses that it should. Method: loads the plug-in through the worker's
// plug-in host and reads what an HTTP server on loopback got.
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <cstring>
#include <string>
#include <vector>

#include "webhook_fixture.h"

namespace otpgw {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using wire::ResultCode;

// The request that a configuration makes.
std::string request_of(const std::string& more, const wire::Job& what = job(),
                       const std::string& path_and_query = {}) {
  const FakeHttpServer server(says(answer(200)));
  auto webhook = instance(config_for(server.url() + path_and_query, more));
  const auto result = send(webhook, what);
  EXPECT_EQ(result.code, ResultCode::sent) << result.detail;
  return server.requests().at(0);
}

Poco::JSON::Object::Ptr json(const std::string& text) {
  return Poco::JSON::Parser().parse(text).extract<Poco::JSON::Object::Ptr>();
}

// --- the request
// -----------------------------------------------------------------------------------------------

TEST(Webhook, PostsTheGoProgramsJson) {
  const auto request = request_of("");
  EXPECT_THAT(request, StartsWith("POST / HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "Content-Type"), "application/json");
  EXPECT_EQ(header(request, "User-Agent"), "otpgateway");
  EXPECT_EQ(header(request, "Idempotency-Key"), "job-1");
  for (const auto* absent : {"Authorization", "webhook-id", "webhook-signature", "Expect"})
    EXPECT_EQ(header(request, absent), "") << absent;
  const auto sent = json(body_of(request));
  EXPECT_EQ(sent->size(), 3U);
  EXPECT_EQ(sent->getValue<std::string>("subject"), job().subject);
  EXPECT_EQ(sent->getValue<std::string>("body"), job().body);
  const auto otp = sent->getObject("otp");
  EXPECT_EQ(otp->getValue<std::string>("otp"), "354965");
  EXPECT_TRUE(otp->get("ttl").isInteger());
  EXPECT_TRUE(otp->getObject("extra")->getValue<bool>("yes"));
}

TEST(Webhook, SendsCredentialsHeadersAndAnotherMethod) {
  const auto request = request_of(
      R"(,"username":"user","password":"pa:ss","method":"PUT","headers":{"X-Api-Key":"k1","User-Agent":"mine"})");
  EXPECT_THAT(request, StartsWith("PUT / HTTP/1.1\r\n"));
  EXPECT_EQ(header(request, "Authorization"), "Basic dXNlcjpwYTpzcw==");
  EXPECT_EQ(header(request, "X-Api-Key"), "k1");
  EXPECT_EQ(header(request, "User-Agent"), "mine");
  EXPECT_EQ(header(request_of(R"(,"username":"user")"), "Authorization"), "Basic dXNlcjo=");
  EXPECT_EQ(header(request_of(R"(,"password":"pass")"), "Authorization"), "Basic OnBhc3M=");
  EXPECT_EQ(header(request_of(R"(,"headers":{"Authorization":"Bearer x"})"), "Authorization"), "Bearer x");
}

TEST(Webhook, SignsAsStandardWebhooksSays) {
  // whsec_ and base64 stands for bytes, other text for itself.
  for (const auto& [secret, key] :
       {std::pair{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "012345678901234567890123"},
        std::pair{"012345678901234567890123", "012345678901234567890123"}}) {
    const auto before = unix_ms() / 1000;
    const auto request = request_of(R"(,"secret":")" + std::string(secret) + "\"");
    const auto stamp = header(request, "webhook-timestamp");
    EXPECT_GE(std::stoll(stamp), before);
    EXPECT_LE(std::stoll(stamp), unix_ms() / 1000);
    EXPECT_EQ(header(request, "webhook-id"), "job-1");
    const auto text = "job-1." + stamp + "." + body_of(request);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key), std::strlen(key));
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    crypto_auth_hmacsha256_final(&state, mac);
    char base64[64];
    sodium_bin2base64(base64, sizeof base64, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    EXPECT_EQ(header(request, "webhook-signature"), "v1," + std::string(base64));
  }
}

TEST(Webhook, AnOwnJsonBodyIsEscaped) {
  const auto request = request_of(
      R"(,"content_type":"application/json; charset=utf-8","body":)"
      R"("\n{\"to\":\"{{to}}\",\"text\":\"{{ body }}\",\"ttl\":{{ttl}},\"x\":{{extra}},)"
      R"(\"ids\":[\"{{namespace}}\",\"{{id}}\",\"{{job_id}}\",\"{{otp}}\"]{{#locale}},\"l\":\"{{locale}}\"{{/locale}})"
      R"({{^subject}},\"none\":1{{/subject}}{{! a comment }}}\n")");
  EXPECT_EQ(header(request, "Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(header(request, "Idempotency-Key"), "job-1");
  EXPECT_THAT(body_of(request), StartsWith("{"));
  const auto sent = json(body_of(request));
  EXPECT_EQ(sent->getValue<std::string>("to"), "john@doe.example");
  EXPECT_EQ(sent->getValue<std::string>("text"), job().body);
  EXPECT_EQ(sent->getValue<int>("ttl"), 60);
  EXPECT_TRUE(sent->getObject("x")->getValue<bool>("yes"));
  EXPECT_EQ(sent->getValue<std::string>("l"), "en");
  EXPECT_FALSE(sent->has("none"));
  std::vector<std::string> ids;
  for (const auto& id : *sent->getArray("ids")) ids.push_back(id.toString());
  EXPECT_THAT(ids, testing::ElementsAre("myApp", "john-doe", "job-1", "354965"));
}

TEST(Webhook, AFormAndAUrlArePercentEncoded) {
  auto what = job("+91 98\"&=");
  what.body = "a b&c=d+ü";
  const auto form = request_of(
      R"(,"content_type":"application/x-www-form-urlencoded","body":"To={{to}}&From=%2B1&Body={{body}}&x={{extra}}")",
      what);
  EXPECT_EQ(body_of(form),
            "To=%2B91%2098%22%26%3D&From=%2B1&Body=a%20b%26c%3Dd%2B%C3%BC&x=%7B%22yes%22%3Atrue%7D");
  EXPECT_EQ(header(form, "Content-Type"), "application/x-www-form-urlencoded");

  const auto get = request_of(R"(,"method":"GET")", what, "send?to={{to_digits}}&text={{body}}");
  EXPECT_THAT(get, StartsWith("GET /send?to=91%2098%22%26%3D&text=a%20b%26c%3Dd%2B%C3%BC HTTP/1.1\r\n"));
  EXPECT_EQ(body_of(get), "");
  EXPECT_EQ(header(get, "Content-Type"), "");

  const auto text = request_of(R"(,"content_type":"text/plain","body":"{{otp}} <{{body}}>")", what);
  EXPECT_EQ(body_of(text), "354965 <a b&c=d+ü>");
}

// --- the configuration
// -----------------------------------------------------------------------------------------

TEST(Webhook, RefusesConfigurationsAndSaysWhy) {
  const struct {
    const char *url, *more, *expected;
  } kCases[] = {
      {"", "", "url: missing"},
      {"ftp://h/", "", "url: expected http:// or https://"},
      {"h.example/x", "", "url: expected"},
      {"https://", "", "url: "},
      {"https://h.example/a b", "", "url: expected"},
      {"https://u:geheim@h.example/", "", "url: give user and password"},
      {"https://h.example/#x", "", "url: expected none of what follows a #"},
      {"https://{{to}}/", "", "url: expected fields after the ? only"},
      {"https://h.example/?a={{phone}}", "", "url: {{phone}}: no such field; there are to, "},
      {"https://h/", R"(,"username":"a:b")", "username: expected no colon"},
      {"https://h/", R"(,"password":"geheim\n")", "password: it holds a control character"},
      {"https://h/", R"(,"ca_file":"/nowhere/ca.pem")", "ca_file: expected a readable PEM file"},
      {"https://h/", R"(,"ca_file":"/etc/passwd")", "ca_file: expected a readable PEM file"},
      {"https://h/", R"(,"secret":"whsec_geheim!")", "secret: expected base64"},
      {"https://h/", R"(,"secret":"whsec_")", "secret: expected base64"},
      {"https://h/", R"(,"method":"DELETE")", "method: expected one of POST, GET, PUT, PATCH"},
      {"https://h/", R"(,"method":"GET")", "url: a GET needs fields"},
      {"https://h/?a={{to}}", R"(,"method":"GET","body":"{}")", "body: a GET has none"},
      {"https://h/?a={{to}}", R"(,"method":"GET","secret":"geheim")", "secret: a GET has no body to sign"},
      {"https://h/", R"(,"headers":"X: 1")", "headers: expected a table"},
      {"https://h/", R"(,"headers":{"X Y":"geheim"})", "headers: expected names like"},
      {"https://h/", R"(,"headers":{"X-Y":"geheim\r\nZ: 1"})", "headers: X-Y: expected 1 to"},
      {"https://h/", R"(,"headers":{"X-Y":""})", "headers: X-Y: expected 1 to"},
      {"https://h/", R"(,"headers":{"X-Y":"{{otp}}"})", "headers: X-Y: fields go into url and body only"},
      {"https://h/", R"(,"headers":{"content-LENGTH":"1"})", "headers: content-LENGTH: HTTP itself sets it"},
      {"https://h/", R"(,"headers":{"Host":"x"})", "headers: Host: HTTP itself sets it"},
      {"https://h/", R"(,"headers":{"Content-Type":"x"})", "use the key content_type"},
      {"https://h/", R"(,"headers":{"Webhook-Id":"x"})", "the key secret brings it"},
      {"https://h/", R"(,"username":"u","headers":{"authorization":"x"})", "username and password set it"},
      {"https://h/", R"(,"content_type":"text/xml","body":"<a>{{to}}</a>")",
       "content_type: expected application/json"},
      {"https://h/", R"(,"content_type":"text/plain")", "content_type: the gateway's own body is JSON"},
      {"https://h/", R"(,"content_type":"application/json\r\nX: 1")", "content_type: expected one like"},
      {"https://h/", R"(,"body":"{\"a\":\"{{ .OTP }}\"}")", "body: {{ .OTP }}: no such field"},
      {"https://h/", R"(,"body":"{\"a\":\"{{{otp}}}\"}")", "body: {{{otp}}: nothing goes in unescaped"},
      {"https://h/", R"(,"body":"{\"a\":\"{{&otp}}\"}")", "nothing goes in unescaped"},
      {"https://h/", R"(,"body":"{\"a\":\"{{>otp}}\"}")", "no such field"},
      {"https://h/", R"(,"body":"{{=<% %>=}}")", "no such field"},
      {"https://h/", R"(,"body":"{\"a\":\"{{otp")", "the tag has no end"},
      {"https://h/", R"(,"body":"{\"a\":1}{{#subject}}")", "body: "},
      {"https://h/", R"(,"body":"{\"a\":1}{{/subject}}")", "body: "},
      {"https://h/", R"(,"body":"{\"a\":{{otp}}}")", "body: it is not JSON when its fields are filled in"},
      {"https://h/", R"(,"body":"{\"a\":{{#subject}}1{{/subject}}}")", "body: it is not JSON"},
      {"https://h/", R"(,"body":"{\"a\":\"{{extra}}\"}")", "body: it is not JSON"},
      {"https://h/", R"(,"body":"{\"a\":{{to_digits}}}")", "body: it is not JSON"},
      {"https://h/", R"(,"content_type":"application/x-www-form-urlencoded","body":"a={{to}} &b=1")",
       "body: a form is one line without spaces"},
      {"https://h/", R"~(,"success_pattern":"(a")~", "success_pattern: expected a regular expression"},
      {"https://h/", R"(,"reject_pattern":"a{1001}")", "reject_pattern: expected a regular expression"},
      {"https://h/", R"(,"retry_pattern":"[")", "retry_pattern: expected a regular expression"},
      {"https://h/", R"~(,"address_pattern":"(?=a)")~", "address_pattern: expected a regular expression"},
      {"https://h/", R"(,"channel_kind":"pigeon")", "channel_kind: expected one of email, sms"},
      {"https://h/", R"(,"channel_name":"a\nb")", "channel_name: expected a name"},
      {"https://h/", R"(,"max_address_len":0)", "max_address_len: expected a number from 1 to 254"},
      {"https://h/", R"(,"max_otp_len":65)", "max_otp_len: expected a number from 1 to 64"},
      {"https://h/", R"(,"default_phone_code":"India")",
       "default_phone_code: expected a country calling code"},
      {"https://h/", R"(,"idempotent":"perhaps")", "idempotent: expected true or false"},
  };
  for (const auto& [url, more, expected] : kCases) {
    const auto made = create(config_for(url, more));
    ASSERT_FALSE(made) << url << more;
    EXPECT_THAT(made.error(), HasSubstr(expected)) << url << more;
    EXPECT_THAT(made.error(), Not(HasSubstr("geheim")));
  }
  EXPECT_TRUE(create(config_for("https://h.example:8000/x?y=z", R"(,"subject":"s","template":"")")));
  for (const std::string only : {R"("default_phone_code":"+91")", R"("address_pattern":"[1-9][0-9]+")"})
    EXPECT_TRUE(create(config_for("https://h/", "," + only + R"(,"body":"{\"a\":{{to_digits}}}")"))) << only;
}

TEST(Webhook, DescribesItself) {
  const auto describe = [](const std::string& more, const std::string& query = {}) {
    const auto made = instance(config_for("https://h.example/" + query, more));
    return library().describe(made, library().descriptors().front()).value();
  };
  const auto plain = describe("");
  EXPECT_EQ(plain.channel_kind, wire::ChannelKind::other);
  EXPECT_EQ(plain.address_bytes_max, 254U);
  EXPECT_EQ(plain.otp_length_max, 6U);
  EXPECT_NE(plain.flags & OTPGW_FLAG_IDEMPOTENT, 0U);
  const auto call = describe(
      R"(,"channel_name":"Phone call","address_name":"Mobile number","max_address_len":12,"max_otp_len":8)");
  EXPECT_EQ(call.channel_name, "Phone call");
  EXPECT_EQ(call.address_name, "Mobile number");
  EXPECT_THAT(call.channel_description, HasSubstr("Phone call"));
  EXPECT_THAT(call.address_description, HasSubstr("Mobile number"));
  EXPECT_EQ(call.address_bytes_max, 12U);
  EXPECT_EQ(call.otp_length_max, 8U);
  EXPECT_EQ(describe(R"(,"channel_kind":"sms")").channel_kind, wire::ChannelKind::sms);
  // An upstream that has never heard of our Idempotency-Key, unless somebody says so.
  EXPECT_EQ(describe(R"(,"body":"{}")").flags & OTPGW_FLAG_IDEMPOTENT, 0U);
  EXPECT_EQ(describe("", "?to={{to}}").flags & OTPGW_FLAG_IDEMPOTENT, 0U);
  EXPECT_NE(describe(R"(,"body":"{}","idempotent":true)").flags & OTPGW_FLAG_IDEMPOTENT, 0U);
  EXPECT_EQ(describe(R"(,"idempotent":"false")").flags & OTPGW_FLAG_IDEMPOTENT, 0U);
}

// --- addresses
// -------------------------------------------------------------------------------------------------

wire::Address validated(const std::string& more, const std::string& address) {
  auto made = instance(config_for("https://h.example/", more));
  return made.validate({.request = 1, .address = address});
}

TEST(Webhook, ValidatesAddresses) {
  using wire::AddressVerdict;
  EXPECT_EQ(validated("", "any thing / at all ü").verdict, AddressVerdict::valid);
  EXPECT_EQ(validated("", "any thing").normalised, "");
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("a\0b", 3),
                                 std::string("a\x7F"), std::string("a\xC2\x85")})
    EXPECT_EQ(validated("", bad).verdict, AddressVerdict::invalid) << bad;
  // Bytes, as in the Go program.
  EXPECT_EQ(validated(R"(,"max_address_len":4)", "üü").verdict, AddressVerdict::valid);
  EXPECT_EQ(validated(R"(,"max_address_len":4)", "üüx").verdict, AddressVerdict::too_long);
  EXPECT_EQ(validated(R"(,"address_pattern":"[0-9]{3}")", "123").verdict, AddressVerdict::valid);
  for (const auto* bad : {"1234", "a123", "12"})
    EXPECT_EQ(validated(R"(,"address_pattern":"[0-9]{3}")", bad).verdict, AddressVerdict::invalid) << bad;
  // A pattern that would take a backtracking engine longer than the universe has.
  EXPECT_EQ(validated(R"(,"address_pattern":"(a*)*(a|aa)+b")", std::string(254, 'a')).verdict,
            AddressVerdict::invalid);

  const auto number = validated(R"(,"default_phone_code":"+91")", "(098) 7654-3210");
  EXPECT_EQ(number.verdict, AddressVerdict::valid) << number.sentence;
  EXPECT_EQ(number.normalised, "+919876543210");
  EXPECT_EQ(number.country, "IN");
  EXPECT_EQ(validated(R"(,"default_phone_code":"+91")", "john@doe.example").verdict, AddressVerdict::invalid);
  const auto* const india = R"(,"default_phone_code":"+91","address_pattern":"\\+91.*")";
  EXPECT_EQ(validated(india, "9876543210").verdict, AddressVerdict::valid);
  EXPECT_EQ(validated(india, "+44 20 7946 0958").verdict, AddressVerdict::invalid);
}

TEST(Webhook, KnowsNumbersOfPhoneChannelsWithoutACountryOfTheirOwn) {
  using wire::AddressVerdict;
  for (const auto* kind : {"sms", "whatsapp", "voice"}) {
    const auto more = std::string(R"(,"channel_kind":")") + kind + '"';
    for (const auto* typed : {"+49 (151) 2345-6789", "0049 151 23456789", "+49 (0)151 23456789"}) {
      const auto number = validated(more, typed);
      EXPECT_EQ(number.normalised, "+4915123456789") << typed;
      EXPECT_EQ(number.country, "DE") << typed;
    }
    for (const auto* other : {"0151 23456789", "12", "a@b.example"}) {  // is taken as it was
      EXPECT_EQ(validated(more, other).verdict, AddressVerdict::valid) << other;
      EXPECT_EQ(validated(more, other).normalised, "") << other;
    }
  }
  EXPECT_EQ(validated(R"(,"channel_kind":"email")", "+49 151 23456789").normalised, "");
  const auto* const pattern = R"(,"channel_kind":"sms","address_pattern":"00[0-9]+")";
  EXPECT_EQ(validated(pattern, "004915123456789").verdict, AddressVerdict::valid);
  EXPECT_EQ(validated(pattern, "004915123456789").normalised, "");  // whose E.164 the pattern does not take
  EXPECT_EQ(validated(pattern, "+4915123456789").verdict, AddressVerdict::invalid);
}

TEST(Webhook, ChecksTheAddressAgainWhenSending) {
  const FakeHttpServer server(says(answer(200)));
  auto numbers = instance(config_for(
      server.url(), R"(,"default_phone_code":"+91","max_address_len":10,"body":"{\"to\":\"{{to}}\"}")"));
  EXPECT_EQ(send(numbers, job("nobody")).code, ResultCode::rejected);
  EXPECT_TRUE(server.requests().empty());
  // Not validated when it was taken, and normalised: longer than may be typed.
  for (const auto* address : {"9876543210", "+919876543210"}) {
    EXPECT_EQ(send(numbers, job(address)).code, ResultCode::sent);
    EXPECT_EQ(body_of(server.requests().back()), R"({"to":"+919876543210"})");
  }
}

}  // namespace
}  // namespace otpgw
