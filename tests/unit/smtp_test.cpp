// Goal: smtp.so says truly what became of a mail, whatever the server does, and writes a right mail.
// Method: loads the plug-in through the worker's plug-in host and sends to a fake SMTP server on loopback
// that refuses, hangs or resets at each stage in turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "fake_smtp_server.h"
#include "worker/plugin_library.h"

namespace otpgw {
namespace {

using test::FakeSmtpServer;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using wire::ResultCode;
using Reaction = FakeSmtpServer::Reaction;
using namespace std::chrono_literals;

int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

worker::PluginLibrary& library() {
  static const auto loaded = worker::PluginLibrary::load(OTPGW_PROVIDERS_DIR "/smtp.so");
  if (!loaded) throw std::runtime_error(loaded.error().line);
  return **loaded;
}

std::expected<worker::PluginInstance, std::string> create(const std::string& config) {
  return library().create(library().descriptors().front(), config);
}

// A configuration for `server`, `more` being further keys: R"(,"username":"u")".
std::string config_for(const FakeSmtpServer& server, const std::string& more = {}) {
  return R"({"host":"127.0.0.1","port":")" + std::to_string(server.port()) +
         R"(","from_email":"Gateway <otp@gw.example>")" +
         (more.find("tls_type") == more.npos ? R"(,"tls_type":"none")" : "") + more + "}";
}

worker::PluginInstance instance_for(const FakeSmtpServer& server, const std::string& more = {}) {
  auto made = create(config_for(server, more));
  if (!made) throw std::runtime_error(made.error());
  return std::move(*made);
}

wire::Job job(const std::string& id = "job-1") {
  return {.id = id,
          .attempt = 1,
          .name_space = "myApp",
          .otp_id = "john-doe",
          .address = "john@doe.example",
          .code = "354965",
          .subject = "Your code",
          .body = "<p>Your code is <b>354965</b></p>\n",
          .text_body = "Your code is 354965\n",
          .locale = "en",
          .extra = "{}",
          .otp_json = "{}",
          .expiry_unix_ms = unix_ms() + 60'000};
}

wire::Result send(worker::PluginInstance& instance, std::chrono::milliseconds timeout = 3000ms,
                  const wire::Job& what = job()) {
  return instance.send(what, unix_ms() + timeout.count());
}

// --- what a refusal means
// --------------------------------------------------------------------------------------

struct RefusalCase {
  std::string stage, answer;
  ResultCode code;
};
class Refusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(Refusal, GivesTheRightCodeAndQuotesNothing) {
  const auto& param = GetParam();
  FakeSmtpServer server({{param.stage, {Reaction::answer, param.answer + " <john@doe.example> 354965\r\n"}}});
  auto instance = instance_for(server, R"(,"auth_protocol":"plain","username":"u","password":"p")");
  const auto result = send(instance);
  EXPECT_EQ(result.code, param.code) << result.detail;
  EXPECT_EQ(result.upstream_status, std::stoi(param.answer));
  EXPECT_THAT(result.detail, HasSubstr("answered " + param.answer + " to "));
  EXPECT_THAT(result.detail, Not(HasSubstr("john")));
  server.follow({});
  EXPECT_EQ(send(instance).code, ResultCode::sent) << "the next mail must not suffer";
}

INSTANTIATE_TEST_SUITE_P(
    Stages, Refusal,
    testing::Values(
        RefusalCase{"CONNECT", "421", ResultCode::retry}, RefusalCase{"CONNECT", "554", ResultCode::rejected},
        RefusalCase{"EHLO", "421", ResultCode::retry}, RefusalCase{"CREDENTIALS", "535", ResultCode::broken},
        RefusalCase{"CREDENTIALS", "454", ResultCode::retry}, RefusalCase{"AUTH", "504", ResultCode::broken},
        RefusalCase{"MAIL", "421", ResultCode::retry}, RefusalCase{"MAIL", "451", ResultCode::retry},
        RefusalCase{"MAIL", "550", ResultCode::rejected}, RefusalCase{"MAIL", "530", ResultCode::broken},
        RefusalCase{"RCPT", "421", ResultCode::retry}, RefusalCase{"RCPT", "451", ResultCode::retry},
        RefusalCase{"RCPT", "550", ResultCode::rejected}, RefusalCase{"DATA", "451", ResultCode::retry},
        RefusalCase{"DATA", "550", ResultCode::rejected}, RefusalCase{"MESSAGE", "421", ResultCode::retry},
        RefusalCase{"MESSAGE", "451", ResultCode::retry},
        RefusalCase{"MESSAGE", "550", ResultCode::rejected}),
    [](const auto& info) { return info.param.stage + info.param.answer; });

TEST(Smtp, ARefusalIsNotHeldUpByAServerThatNeverAnswersQuit) {
  FakeSmtpServer server({{"RCPT", {Reaction::answer, "550 no\r\n"}}, {"QUIT", {Reaction::hang, {}}}});
  auto instance = instance_for(server);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(send(instance, 500ms).code, ResultCode::rejected);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST(Smtp, DestroyingAnInstanceDoesNotWaitForTheServer) {
  FakeSmtpServer server({{"QUIT", {Reaction::hang, {}}}});
  const auto start = std::chrono::steady_clock::now();
  {
    auto instance = instance_for(server);
    EXPECT_EQ(send(instance).code, ResultCode::sent);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

// --- what silence means
// ----------------------------------------------------------------------------------------

struct SilenceCase {
  std::string stage;
  Reaction reaction;
  ResultCode code;
};
class Silence : public testing::TestWithParam<SilenceCase> {};

TEST_P(Silence, IsUnknownOnceTheMessageLeftAndRetryBefore) {
  const auto& param = GetParam();
  FakeSmtpServer server({{param.stage, {param.reaction, {}}}});
  auto instance = instance_for(server);
  const auto start = std::chrono::steady_clock::now();
  const auto result = send(instance, 300ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s) << "must keep to its deadline";
  EXPECT_EQ(result.code, param.code) << result.detail;
  server.follow({});
  EXPECT_EQ(send(instance).code, ResultCode::sent) << "a late answer must not be taken for the next mail's";
  EXPECT_EQ(server.connections(), 2);
}

INSTANTIATE_TEST_SUITE_P(Stages, Silence,
                         testing::Values(SilenceCase{"CONNECT", Reaction::hang, ResultCode::retry},
                                         SilenceCase{"EHLO", Reaction::hang, ResultCode::retry},
                                         SilenceCase{"MAIL", Reaction::hang, ResultCode::retry},
                                         SilenceCase{"RCPT", Reaction::hang, ResultCode::retry},
                                         SilenceCase{"DATA", Reaction::hang, ResultCode::retry},
                                         SilenceCase{"MESSAGE", Reaction::hang, ResultCode::unknown},
                                         SilenceCase{"CONNECT", Reaction::reset, ResultCode::retry},
                                         SilenceCase{"EHLO", Reaction::reset, ResultCode::retry},
                                         SilenceCase{"MAIL", Reaction::reset, ResultCode::retry},
                                         SilenceCase{"RCPT", Reaction::reset, ResultCode::retry},
                                         SilenceCase{"DATA", Reaction::reset, ResultCode::retry},
                                         SilenceCase{"MESSAGE", Reaction::reset, ResultCode::unknown}),
                         [](const auto& info) {
                           return info.param.stage +
                                  (info.param.reaction == Reaction::hang ? "Hangs" : "Resets");
                         });

TEST(Smtp, AnAnswerToTheMessageThatMeansNothingIsUnknown) {
  for (const std::string answer : {"199", "251", "354", "600", "999"}) {
    FakeSmtpServer server({{"MESSAGE", {Reaction::answer, answer + " what?\r\n"}}});
    auto instance = instance_for(server);
    EXPECT_EQ(send(instance).code, ResultCode::unknown) << answer;
  }
}

TEST(Smtp, NobodyListeningIsRetry) {
  uint16_t port = 0;
  { port = FakeSmtpServer().port(); }
  auto instance = create(R"({"host":"127.0.0.1","tls_type":"none","from_email":"a@b.example","port":)" +
                         std::to_string(port) + "}");
  ASSERT_TRUE(instance) << instance.error();
  EXPECT_EQ(send(*instance).code, ResultCode::retry);
}

TEST(Smtp, AConnectionThatTheServerClosedWhileIdleIsReplaced) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  EXPECT_EQ(send(instance).code, ResultCode::sent);
  server.drop_connections();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(send(instance).code, ResultCode::sent);
  EXPECT_EQ(server.connections(), 2);
}

// --- connections, TLS, authentication
// --------------------------------------------------------------------------

TEST(Smtp, KeepsItsConnection) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(instance).code, ResultCode::sent);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.mails().size(), 20u);
}

TEST(Smtp, TlsTypeNoneNeverStartsTls) {
  FakeSmtpServer server({{"EHLO", {Reaction::answer, "250-fake\r\n250 STARTTLS\r\n"}}});
  auto instance = instance_for(server);
  EXPECT_EQ(send(instance).code, ResultCode::sent);
  EXPECT_THAT(server.commands(), Not(testing::Contains("STARTTLS")));
}

TEST(Smtp, StarttlsThatIsNotOfferedNeverMailsInTheClear) {
  FakeSmtpServer server;
  auto instance = instance_for(server, R"(,"tls_type":"STARTTLS")");
  EXPECT_EQ(send(instance).code, ResultCode::retry);
  EXPECT_TRUE(server.mails().empty());
}

TEST(Smtp, StarttlsThatIsRefusedIsRetry) {
  FakeSmtpServer server({{"EHLO", {Reaction::answer, "250-fake\r\n250 STARTTLS\r\n"}},
                         {"STARTTLS", {Reaction::answer, "502 no\r\n"}}});
  auto instance = instance_for(server, R"(,"tls_type":"STARTTLS")");
  EXPECT_EQ(send(instance).code, ResultCode::retry);
}

TEST(Smtp, TlsToAServerWithoutItIsRetry) {
  FakeSmtpServer server;
  auto instance = instance_for(server, R"(,"tls_type":"TLS")");
  EXPECT_EQ(send(instance, 1000ms).code, ResultCode::retry);
}

TEST(Smtp, EachAuthProtocolUsesItsOwnMechanism) {
  for (const auto& [protocol, mechanism] :
       {std::pair{"login", "AUTH LOGIN"}, {"plain", "AUTH PLAIN"}, {"cram", "AUTH CRAM-MD5"}}) {
    FakeSmtpServer server;
    auto instance = instance_for(
        server, std::string(R"(,"username":"u","password":"p","auth_protocol":")") + protocol + "\"");
    EXPECT_EQ(send(instance).code, ResultCode::sent) << protocol;
    EXPECT_THAT(server.commands(), testing::Contains(mechanism));
  }
}

TEST(Smtp, WithoutAuthProtocolAUserNameIsNotUsed) {
  FakeSmtpServer server;
  auto instance = instance_for(server, R"(,"username":"u","password":"p","auth_protocol":"none")");
  EXPECT_EQ(send(instance).code, ResultCode::sent);
  EXPECT_THAT(server.commands(), testing::Each(Not(testing::StartsWith("AUTH"))));
}

TEST(Smtp, AServerWithoutAuthenticationBreaksTheInstanceAndGetsNoMail) {
  FakeSmtpServer server({{"EHLO", {Reaction::answer, "250 fake\r\n"}}});
  auto instance = instance_for(server, R"(,"username":"u","password":"p","auth_protocol":"login")");
  EXPECT_EQ(send(instance).code, ResultCode::broken);
  EXPECT_TRUE(server.mails().empty());
}

TEST(Smtp, AMissingMechanismBreaksTheInstance) {
  FakeSmtpServer server({{"EHLO", {Reaction::answer, "250-fake\r\n250 AUTH PLAIN\r\n"}}});
  auto instance = instance_for(server, R"(,"username":"u","password":"p","auth_protocol":"cram")");
  EXPECT_EQ(send(instance).code, ResultCode::broken);
  EXPECT_TRUE(server.mails().empty());
}

// --- the mail itself
// -------------------------------------------------------------------------------------------

TEST(Smtp, TheMailHasItsHeadersAndBothBodies) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  const auto result = send(instance);
  EXPECT_EQ(result.code, ResultCode::sent);
  EXPECT_EQ(result.upstream_id, "4XyZ12");
  EXPECT_EQ(send(instance).code, ResultCode::sent);
  const auto mails = server.mails();
  ASSERT_EQ(mails.size(), 2u);
  const auto& mail = mails.front();
  EXPECT_THAT(mail, HasSubstr("From: \"Gateway\" <otp@gw.example>\r\n"));
  EXPECT_THAT(mail, HasSubstr("To: <john@doe.example>\r\n"));
  EXPECT_THAT(mail, HasSubstr("Subject: Your code\r\n"));
  EXPECT_THAT(mail, ContainsRegex("Date: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] 20[0-9][0-9] "
                                  "[0-9:]{8} \\+0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("Message-ID: <job-1@gw.example>\r\n"));
  EXPECT_THAT(mails.back(), HasSubstr("Message-ID: <job-1@gw.example>\r\n")) << "the same on each try";
  EXPECT_THAT(mail, HasSubstr("Auto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(mail, testing::ContainsRegex("M[Ii][Mm][Ee]-Version: 1.0\r\n"));
  EXPECT_THAT(mail, HasSubstr("Content-Type: multipart/alternative; boundary="));
  const auto text_at = mail.find("Content-Type: text/plain; charset=utf-8");
  const auto html_at = mail.find("Content-Type: text/html; charset=utf-8");
  ASSERT_NE(text_at, mail.npos);
  ASSERT_NE(html_at, mail.npos);
  EXPECT_LT(text_at, html_at) << "the best alternative comes last";
  EXPECT_THAT(mail, HasSubstr("Your code is 354965\r\n"));
  EXPECT_THAT(mail, HasSubstr("<b>354965</b>"));
  EXPECT_THAT(server.commands(), testing::Contains(testing::StartsWith("MAIL FROM:<otp@gw.example>")));
  EXPECT_THAT(server.commands(), testing::Contains("RCPT TO:<john@doe.example>"));
}

TEST(Smtp, DotsAndLongLinesArriveUnharmed) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  auto what = job();
  what.text_body = ".\n..\nend\n" + std::string(5000, 'x') + "\n";
  EXPECT_EQ(send(instance, 3000ms, what).code, ResultCode::sent);
  EXPECT_THAT(server.mails().front(), HasSubstr("\r\n.\r\n..\r\nend\r\n"));
  EXPECT_EQ(send(instance).code, ResultCode::sent);
}

TEST(Smtp, ANonAsciiSubjectIsEncodedInShortWords) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  auto what = job();
  what.subject =
      "Ihr Bestätigungscode für “Kaffeehaus” — gültig für fünf Minuten, bitte nicht weitergeben 🔐🔐🔐";
  EXPECT_EQ(send(instance, 3000ms, what).code, ResultCode::sent);
  const auto mail = server.mails().front();
  auto at = mail.find("Subject: ");
  ASSERT_NE(at, mail.npos);
  std::string words;
  for (bool first = true;; first = false) {
    const auto end = mail.find("\r\n", at);
    const auto line = mail.substr(at, end - at);
    if (!first && !line.starts_with(" ")) break;
    EXPECT_LE(line.size(), 76u);
    EXPECT_THAT(line, HasSubstr("=?UTF-8?B?"));
    words += line;
    at = end + 2;
  }
  EXPECT_GT(words.size(), 100u);
}

TEST(Smtp, ASubjectCannotAddAHeader) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  auto what = job();
  what.subject = "hello\r\nBcc: eve@evil.example";
  EXPECT_EQ(send(instance, 3000ms, what).code, ResultCode::sent);
  EXPECT_THAT(server.mails().front(), Not(HasSubstr("Bcc:")));
}

TEST(Smtp, AnAddressThatWasNeverCheckedIsCheckedBeforeSending) {
  FakeSmtpServer server;
  auto instance = instance_for(server);
  auto what = job();
  what.address = "john@doe.example>\r\nRCPT TO:<eve@evil.example";
  EXPECT_EQ(send(instance, 3000ms, what).code, ResultCode::rejected);
  EXPECT_TRUE(server.commands().empty());
}

// --- configuration and addresses
// -------------------------------------------------------------------------------

TEST(SmtpConfig, SaysWhichKeyIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"from_email":"a@b.example"})", "host: missing"},
      {R"({"host":"h"})", "from_email: missing"},
      {R"({"host":"h","from_email":"a@b.example","port":0})", "port: expected a number from 1 to 65535"},
      {R"({"host":"h","from_email":"a@b.example","port":"x"})", "port: expected a number from 1 to 65535"},
      {R"({"host":"h:25","from_email":"a@b.example"})", "host: give the port with the key port"},
      {R"({"host":"h/x","from_email":"a@b.example"})", "host: expected a host name"},
      {R"({"host":"h","from_email":"a@b.example","tls_type":"SSL"})", "tls_type: expected one of"},
      {R"({"host":"h","from_email":"a@b.example","auth_protocol":"md5"})", "auth_protocol: expected one of"},
      {R"({"host":"h","from_email":"a@b.example","auth_protocol":"login","password":"geheim"})",
       "username: missing"},
      {R"({"host":"h","from_email":"a b","port":25})", "from_email: expected"},
      {R"({"host":"h","from_email":"a@b.example","tls_skip_verify":"maybe"})", "tls_skip_verify: expected"},
      {"[]", "not a JSON object"}};
  for (const auto& [config, sentence] : cases) {
    const auto made = create(config);
    ASSERT_FALSE(made) << config;
    EXPECT_THAT(made.error(), HasSubstr(sentence));
    EXPECT_THAT(made.error(), Not(HasSubstr("geheim")));
  }
}

TEST(SmtpConfig, TakesTheCoresKeysAndValuesAsText) {
  EXPECT_TRUE(create(
      R"({"enabled":true,"plugin":"smtp","subject":"s","template":"t","max_conns":10,"timeout":"5s",)"
      R"("host":"::1","port":"25","from_email":"Ünï \"Code\" <a@b.example>","tls_skip_verify":"false"})"));
}

TEST(SmtpAddress, TakesMailboxesAndLowersTheirDomain) {
  auto instance = create(R"({"host":"h","from_email":"a@b.example"})");
  ASSERT_TRUE(instance);
  const auto check = [&](const std::string& address) {
    return instance->validate({.request = 1, .address = address});
  };
  const std::pair<const char*, const char*> good[] = {
      {"john@doe.com", "john@doe.com"},
      {"John.Doe+tag@EXAMPLE.Co.UK", "John.Doe+tag@example.co.uk"},
      {"o'neil@xn--bcher-kva.example", "o'neil@xn--bcher-kva.example"},
      {"root@localhost", "root@localhost"},
      {"a@[127.0.0.1]", "a@[127.0.0.1]"},
      {"a@[IPv6:::1]", "a@[ipv6:::1]"}};
  for (const auto& [given, normalised] : good) {
    const auto answer = check(given);
    EXPECT_EQ(answer.verdict, wire::AddressVerdict::valid) << given;
    EXPECT_EQ(answer.normalised, normalised);
  }
  using namespace std::string_literals;
  for (const auto& bad : {""s,
                          "john"s,
                          "@doe.com"s,
                          "john@"s,
                          "a@b@c.com"s,
                          "john@doe"s,
                          ".a@b.com"s,
                          "a.@b.com"s,
                          "a..b@c.com"s,
                          "a b@c.com"s,
                          "a@b .com"s,
                          "\"a\"@b.com"s,
                          "<a@b.com>"s,
                          "a@b.com\r\nX: y"s,
                          "a\0b@c.com"s,
                          "a@-b.com"s,
                          "a@b-.com"s,
                          "a@b..com"s,
                          "a@.com"s,
                          "a@1.2.3.4"s,
                          "a@[1.2.3]"s,
                          "jöhn@doe.com"s,
                          "john@bücher.example"s,
                          "a,b@c.com"s,
                          "a(b)@c.com"s,
                          std::string(65, 'a') + "@b.com",
                          "a@" + std::string(64, 'b') + ".com"})
    EXPECT_EQ(check(bad).verdict, wire::AddressVerdict::invalid) << bad;
  std::string long_one = "a@";
  while (long_one.size() < 255) long_one += "label.";
  EXPECT_EQ(check(long_one + "com").verdict, wire::AddressVerdict::too_long);
}

}  // namespace
}  // namespace otpgw
