// Goal: webhook.so says truly what became of a message, whatever the upstream answers and however it
// misbehaves, and quotes nothing of it. Method: sends through the worker's plug-in host to an HTTP server on
// loopback that answers, drips, hangs or hangs up as told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <ctime>
#include <string>
#include <thread>

#include "webhook_fixture.h"

namespace otpgw {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using wire::ResultCode;

// --- what an answer means
// --------------------------------------------------------------------------------------

TEST(Webhook, EveryStatusMeansSomething) {
  for (int status = 200; status < 600; ++status) {
    const auto expected = status < 300 ? ResultCode::sent
                          : status == 408 || status == 425 || status == 429 || status >= 500
                              ? ResultCode::retry
                              : ResultCode::rejected;
    const auto result =
        sent_to(says("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(result.code, expected) << status;
    EXPECT_EQ(result.upstream_status, status);
    if (expected != ResultCode::sent) {
      EXPECT_THAT(result.detail, HasSubstr("answered " + std::to_string(status)));
    }
  }
}

TEST(Webhook, RetryAfterIsHonoured) {
  EXPECT_EQ(sent_to(says(answer(429, "", "Retry-After: 7\r\n"))).retry_after_ms, 7000);
  EXPECT_EQ(sent_to(says(answer(503))).retry_after_ms, 0);
  EXPECT_EQ(sent_to(says(answer(400, "", "Retry-After: 7\r\n"))).retry_after_ms, 0);
  const auto later = unix_ms() / 1000 + 60;
  char date[64];
  const std::time_t when = later;
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&when));
  const auto pause =
      sent_to(says(answer(503, "", "Retry-After: " + std::string(date) + "\r\n"))).retry_after_ms;
  EXPECT_GT(pause, 30'000);
  EXPECT_LE(pause, 60'000);
}

TEST(Webhook, TheAnswersWordWins) {
  const struct {
    int status;
    const char* body;
    ResultCode code;
    const char* id;
  } kCases[] = {
      {200, R"({"result":"sent","id":"m-1"})", ResultCode::sent, "m-1"},
      {202, R"( {"id":17})", ResultCode::sent, "17"},
      {200, R"({"result":"retry"})", ResultCode::retry, ""},
      {200, R"({"result":"rejected","id":"m-2"})", ResultCode::rejected, "m-2"},
      {200, R"({"result":"unknown"})", ResultCode::unknown, ""},
      {200, R"({"result":"broken"})", ResultCode::broken, ""},
      {401, R"({"result":"broken"})", ResultCode::broken, ""},
      {400, R"({"result":"retry"})", ResultCode::retry, ""},
      {200, R"({"result":"ok"})", ResultCode::sent, ""},
      {200, R"({"result":5,"id":{}})", ResultCode::sent, ""},
      {200, R"(["result"])", ResultCode::sent, ""},
      {200, R"({"result":"rejected")", ResultCode::sent, ""},  // not JSON
      {200, "OK", ResultCode::sent, ""},
      {500, "<html>", ResultCode::retry, ""},
  };
  for (const auto& [status, body, code, id] : kCases) {
    const auto result = sent_to(says(answer(status, body)));
    EXPECT_EQ(result.code, code) << status << body;
    EXPECT_EQ(result.upstream_id, id) << body;
  }
  EXPECT_EQ(sent_to(says(answer(200, R"({"result":"retry"})", "Retry-After: 3\r\n"))).retry_after_ms, 3000);
}

TEST(Webhook, HostileJsonHurtsNobody) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += R"({"id":)";
  for (const auto& body : {deep, R"({"id":)" + std::string(60'000, '['), "{" + std::string(60'000, '"'),
                           std::string(R"({"id":1e999999999,"result":"\ud800"})"), std::string("{\0}", 3),
                           R"({"id":")" + std::string(60'000, 'x') + "\"}", std::string("{\xFF\xFE}")}) {
    const auto result = sent_to(says(answer(200, body)));
    EXPECT_EQ(result.code, ResultCode::sent) << body.substr(0, 20);
    EXPECT_LT(result.upstream_id.size(), 128U);
  }
}

TEST(Webhook, NothingOfTheAnswerIsQuoted) {
  for (const int status : {200, 302, 400, 401, 500}) {
    const auto result =
        sent_to(says(answer(status, R"({"result":"rejected","message":"john 354965 geheim"})")));
    EXPECT_THAT(result.detail, Not(HasSubstr("geheim")));
    EXPECT_THAT(result.detail, HasSubstr(std::to_string(status)));
  }
}

TEST(Webhook, PatternsDecide) {
  const auto* const keys =
      R"~(,"success_pattern":"\"status\": *\"0\"","reject_pattern":"bad (number|word)","retry_pattern":"busy")~";
  const auto by = [&](int status, const std::string& body) {
    return sent_to(says(answer(status, body)), keys);
  };
  EXPECT_EQ(by(200, R"({"status": "0"})").code, ResultCode::sent);
  EXPECT_EQ(by(200, R"({"status": "1"})").code, ResultCode::unknown);
  EXPECT_THAT(by(200, "x").detail, HasSubstr("success_pattern"));
  EXPECT_EQ(by(200, R"({"status": "0"} bad number)").code, ResultCode::rejected);
  EXPECT_THAT(by(200, "bad word").detail, HasSubstr("reject_pattern"));
  EXPECT_EQ(by(503, "bad word").code, ResultCode::rejected);
  EXPECT_EQ(by(503, "x").code, ResultCode::retry);
  EXPECT_EQ(by(400, R"({"status": "0"})").code, ResultCode::rejected);
  for (const int status : {200, 400, 500}) {
    EXPECT_EQ(by(status, R"({"status": "0"} busy)").code, ResultCode::retry);
    EXPECT_EQ(by(status, "busy, bad number").code, ResultCode::rejected);
  }
  EXPECT_THAT(by(200, "busy").detail, HasSubstr("retry_pattern"));
  EXPECT_EQ(
      sent_to(says(answer(200, "busy", "Retry-After: 3\r\n")), R"(,"retry_pattern":"busy")").retry_after_ms,
      3000);
  // With a pattern, a field "result" is the upstream's own.
  EXPECT_EQ(by(200, R"({"status": "0","result":"rejected"})").code, ResultCode::sent);
  EXPECT_EQ(sent_to(says(answer(200, "fine")), R"(,"reject_pattern":"bad")").code, ResultCode::sent);
  // One that would take a backtracking engine forever.
  EXPECT_EQ(
      sent_to(says(answer(200, std::string(60'000, 'a'))), R"(,"success_pattern":"(a*)*(a|aa)+b")").code,
      ResultCode::unknown);
}

// --- upstreams that misbehave
// ----------------------------------------------------------------------------------

TEST(Webhook, AnAnswerThatCameInPartSaysNothingThatWasToBeRead) {
  const auto cut = [](const std::string& begin) {
    return says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + begin, false);
  };
  const auto* const pattern = R"(,"success_pattern":"good")";
  EXPECT_EQ(sent_to(cut("good"), pattern).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(cut("")).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(cut(R"({"result":"sent")")).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(cut("<html>")).code, ResultCode::sent);  // no JSON, whatever follows
  const auto mebibyte = says(answer(200, "good" + std::string(1 << 20, ' ')));
  EXPECT_EQ(sent_to(mebibyte).code, ResultCode::sent);
  EXPECT_EQ(sent_to(mebibyte, pattern).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(says(answer(200, "{" + std::string(1 << 20, ' ')))).code, ResultCode::unknown);
}

TEST(Webhook, EndsByItsDeadline) {
  const auto began = std::chrono::steady_clock::now();
  const auto silent = [](int socket, const std::string&) {
    char byte = 0;
    return ::recv(socket, &byte, 1, 0) > 0;  // until the other side gives up
  };
  EXPECT_EQ(sent_to(silent, "", kShort).code, ResultCode::unknown);
  // Endless bodies, endless headers, a byte now and then.
  const auto drip = [](const std::string& head, const std::string& more, std::chrono::milliseconds pause) {
    return [=](int socket, const std::string&) {
      FakeHttpServer::write(socket, head);
      while (FakeHttpServer::write(socket, more)) std::this_thread::sleep_for(pause);
      return false;
    };
  };
  const std::string head = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(sent_to(drip(head + "\r\nx", std::string(65'536, 'x'), 0ms)).code, ResultCode::sent);
  EXPECT_EQ(sent_to(drip(head, "X-More: " + std::string(1000, 'x') + "\r\n", 0ms)).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(drip("", "H", 20ms), "", kShort).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(drip(head, "X", 20ms), "", kShort).code, ResultCode::unknown);
  EXPECT_EQ(sent_to(drip(head + "\r\n{", " ", 20ms), "", kShort).code, ResultCode::unknown);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(Webhook, ALostAnswerIsUnknownAndALostConnectionIsRetry) {
  for (const auto* text : {"", "HTTP/1.1 2", "garbage\r\n\r\n", "SSH-2.0-x\r\n"})
    EXPECT_EQ(sent_to(says(text, false)).code, ResultCode::unknown) << text;
  std::string url;
  {
    const FakeHttpServer gone(says(""));
    url = gone.url();
  }
  auto webhook = instance(config_for(url));
  const auto result = send(webhook);
  EXPECT_EQ(result.code, ResultCode::retry);
  EXPECT_THAT(result.detail, StartsWith("no connection: "));
  EXPECT_EQ(send(webhook, job(), 0ms).code, ResultCode::retry);
}

TEST(Webhook, OnlyAnIdempotentOneRepeatsByItself) {
  for (const bool idempotent : {false, true}) {
    std::atomic<int> asked = 0;  // each connection has a thread
    // The kept connection dies under the second request.
    const FakeHttpServer server([&](int socket, const std::string&) {
      return ++asked != 2 && FakeHttpServer::write(socket, answer(200));
    });
    auto webhook = instance(
        config_for(server.url(), idempotent ? R"(,"body":"{}","idempotent":true)" : R"(,"body":"{}")"));
    EXPECT_EQ(send(webhook).code, ResultCode::sent);
    EXPECT_EQ(send(webhook).code, idempotent ? ResultCode::sent : ResultCode::unknown);
    EXPECT_EQ(server.requests().size(), idempotent ? 3U : 2U);
  }
}

TEST(Webhook, ARedirectIsNotFollowed) {
  const FakeHttpServer target(says(answer(200)));
  const auto result = sent_to(says(answer(307, "", "Location: " + target.url() + "\r\n")));
  EXPECT_EQ(result.code, ResultCode::rejected);
  EXPECT_THAT(result.detail, HasSubstr("redirect"));
  EXPECT_EQ(target.connections(), 0);
}

TEST(Webhook, KeepsItsConnection) {
  const FakeHttpServer server(says(answer(200, "fine")));
  auto webhook = instance(config_for(server.url()));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(webhook).code, ResultCode::sent);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace otpgw
