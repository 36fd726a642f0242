// otpgw/http.hpp. Goal: whatever an upstream does, a call ends by its deadline and says truly whether the
// request can have arrived, and no request that must not be doubled is ever on the wire twice. Method: a
// client against a server on loopback that misbehaves as told.
#include "otpgw/http.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <semaphore>
#include <string>
#include <string_view>

#include "fake_http_server.h"

namespace otpgw::http {
namespace {

using namespace std::chrono_literals;
using test::FakeHttpServer;
using Fate = Answer::Fate;

constexpr auto kTimeLeft = 10s;  // no test waits for it to pass
constexpr auto kShort = 300ms;   // tests do

std::string ok(const std::string& body = "fine") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
FakeHttpServer::Answerer says(std::string text, bool keep = true) {
  return [text = std::move(text), keep](int socket, const std::string&) {
    return FakeHttpServer::write(socket, text) && keep;
  };
}

Answer post(Client& client, const FakeHttpServer& server, std::chrono::milliseconds time_left = kTimeLeft) {
  return client.perform({.url = server.url(), .body = "code=123456"}, time_left);
}
Answer post_to(FakeHttpServer::Answerer answerer, std::chrono::milliseconds time_left = kTimeLeft) {
  const FakeHttpServer server(std::move(answerer));
  Client client;
  return post(client, server, time_left);
}

TEST(HttpClient, KeepsItsConnection) {
  const FakeHttpServer server(says(ok()));
  Client client;
  for (int i = 0; i < 3; ++i) {
    const auto answer = post(client, server);
    EXPECT_TRUE(answer.success() && answer.whole) << answer.failure;
    EXPECT_EQ(answer.body, "fine");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(HttpClient, SendsWhatWasAskedFor) {
  const FakeHttpServer server(says(ok()));
  Client client;
  ASSERT_TRUE(client
                  .perform({.method = "PUT",
                            .url = server.url() + "a?b=c",
                            .headers = {"X-Key: 1"},
                            .body = "{}",
                            .username = "user",
                            .password = "pass"},
                           kTimeLeft)
                  .success());
  ASSERT_TRUE(client.perform({.method = "GET", .url = server.url()}, kTimeLeft).success());
  const auto requests = server.requests();
  EXPECT_TRUE(requests[0].starts_with("PUT /a?b=c HTTP/1.1\r\n") && requests[0].ends_with("\r\n\r\n{}"));
  for (const auto* header :
       {"User-Agent: otpgateway\r\n", "X-Key: 1\r\n", "Authorization: Basic dXNlcjpwYXNz\r\n"})
    EXPECT_NE(requests[0].find(header), std::string::npos) << header;
  EXPECT_EQ(requests[0].find("Expect:"), std::string::npos);
  EXPECT_TRUE(requests[1].starts_with("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(requests[1].find("Authorization:"), std::string::npos) << "credentials of the request before";
  EXPECT_EQ(requests[1].find("X-Key:"), std::string::npos);
}

// AWS refuses a signature over a header that did not come: IncompleteSignatureException.
TEST(HttpClient, SignsOnlyHeadersThatItSends) {
  const FakeHttpServer server(says(ok()));
  Client client;
  ASSERT_TRUE(client
                  .perform({.url = server.url(),
                            .headers = {"Content-Type: application/json"},
                            .body = "{}",
                            .username = "AKIDEXAMPLE",
                            .password = "geheim",
                            .aws_sigv4 = "aws:amz:ap-south-1:sms-voice"},
                           kTimeLeft)
                  .success());
  auto request = server.requests()[0];
  constexpr std::string_view kBefore = "SignedHeaders=";
  const auto begin = request.find(kBefore) + kBefore.size();
  auto names = request.substr(begin, request.find(',', begin) - begin);
  std::ranges::transform(request, request.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_TRUE(names.starts_with("content-type;")) << names;
  for (std::size_t end = 0; !names.empty(); names.erase(0, end == names.npos ? end : end + 1)) {
    end = names.find(';');
    EXPECT_NE(request.find("\r\n" + names.substr(0, end) + ": "), request.npos) << names.substr(0, end);
  }
}

TEST(HttpClient, WhatNeverLeftIsNotSent) {
  uint16_t closed_port = 0;
  {
    const FakeHttpServer gone(says(ok()));
    closed_port = gone.port();
  }
  Client client;
  const auto refused = client.perform(
      {.url = "http://127.0.0.1:" + std::to_string(closed_port) + "/", .body = "x"}, kTimeLeft);
  EXPECT_EQ(refused.fate, Fate::not_sent);
  EXPECT_TRUE(refused.failure.starts_with("no connection: ")) << refused.failure;
  EXPECT_EQ(client.perform({.url = "http://no-such-host.invalid/", .body = "x"}, kTimeLeft).fate,
            Fate::not_sent);
  EXPECT_EQ(client.perform({.url = "ftp://127.0.0.1/", .body = "x"}, kTimeLeft).fate, Fate::not_sent);
  EXPECT_EQ(client.perform({.url = "http://127.0.0.1/", .body = "x"}, 0ms).fate, Fate::not_sent);

  // TLS never comes about: with a server that doesn't speak it, and with one that says nothing.
  for (const bool talks : {true, false}) {
    const FakeHttpServer plain(
        [&](int socket, const std::string&) { return talks && FakeHttpServer::write(socket, ok()); });
    const auto answer = client.perform(
        {.url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/", .body = "x"}, kShort);
    EXPECT_EQ(answer.fate, Fate::not_sent) << answer.failure;
  }
}

TEST(HttpClient, ABodyThatWasNotTakenWholeIsNotSent) {
  // Reads the head only; the body fills the sockets' buffers and stays.
  const FakeHttpServer server([](int, const std::string&) { return true; }, true);
  Client client;
  const auto answer = client.perform({.url = server.url(), .body = std::string(64 << 20, 'x')}, kShort);
  EXPECT_EQ(answer.fate, Fate::not_sent) << answer.failure;
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(HttpClient, WithoutAnAnswerItIsPerhapsSent) {
  for (const auto* text : {"", "HTTP/1.1 100 Continue\r\n\r\n", "What is this?\r\n\r\n", "HTTP/1.1 2"}) {
    const auto answer = post_to(says(text, false));
    EXPECT_EQ(answer.fate, Fate::perhaps_sent) << text << answer.failure;
    EXPECT_EQ(answer.status, 0);
  }
  std::binary_semaphore done(0);
  const auto began = std::chrono::steady_clock::now();
  const FakeHttpServer silent([&](int, const std::string&) { return done.try_acquire_for(30s), false; });
  Client client;
  EXPECT_EQ(post(client, silent, kShort).fate, Fate::perhaps_sent);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  done.release();
}

TEST(HttpClient, NeverSendsTwiceWhenAKeptConnectionDies) {
  for (const bool harmless : {false, true}) {
    std::atomic<int> asked = 0;  // each connection has a thread
    const FakeHttpServer server([&](int socket, const std::string&) {
      // The second request's connection ends unanswered.
      return ++asked != 2 && FakeHttpServer::write(socket, ok());
    });
    Client client({.copies_are_harmless = harmless});
    EXPECT_TRUE(post(client, server).success());
    const auto answer = post(client, server);
    if (harmless) {  // the control: this is what libcurl does by itself
      EXPECT_TRUE(answer.success()) << answer.failure;
      EXPECT_EQ(server.requests().size(), 3U);
    } else {
      EXPECT_EQ(answer.fate, Fate::perhaps_sent) << answer.failure;
      EXPECT_EQ(server.requests().size(), 2U);
      EXPECT_TRUE(post(client, server).success());  // and the client goes on
    }
  }
}

TEST(HttpClient, AStatusCountsHoweverItsBodyEnds) {
  const auto cut = post_to(says("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nabc", false));
  EXPECT_EQ(cut.fate, Fate::answered);
  EXPECT_EQ(cut.status, 500);
  EXPECT_EQ(cut.body, "abc");
  EXPECT_FALSE(cut.whole);

  const auto late = post_to(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), kShort);
  EXPECT_EQ(late.fate, Fate::answered);
  EXPECT_FALSE(late.whole);

  const auto long_one = post_to(says(ok(std::string(1 << 20, 'x'))));
  EXPECT_EQ(long_one.body.size(), kBodyBytesMax);
  EXPECT_FALSE(long_one.whole);

  const auto endless = post_to([](int socket, const std::string&) {
    FakeHttpServer::write(socket, "HTTP/1.1 200 OK\r\n\r\n");
    while (FakeHttpServer::write(socket, std::string(65536, 'x'))) {
    }
    return false;
  });
  EXPECT_EQ(endless.status, 200);
  EXPECT_EQ(endless.body.size(), kBodyBytesMax);
  EXPECT_FALSE(endless.whole);
}

TEST(HttpClient, AnAnswerThatEndsWithinItsHeadersIsNotWhole) {
  for (const auto* headers : {"HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nX-More: 1\r\n",
                              "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n"}) {
    const auto answer = post_to(says(headers, false));
    EXPECT_EQ(answer.status, 200) << headers;
    EXPECT_FALSE(answer.whole) << headers;
  }
}

TEST(HttpClient, HeadersHaveABound) {
  const auto answer = post_to([](int socket, const std::string&) {
    FakeHttpServer::write(socket, "HTTP/1.1 200 OK\r\n");
    while (FakeHttpServer::write(socket, "X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
    return false;
  });
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.whole);
}

TEST(HttpClient, ARedirectIsAnAnswer) {
  const FakeHttpServer target(says(ok()));
  const auto answer =
      post_to(says("HTTP/1.1 302 Found\r\nLocation: " + target.url() + "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(target.connections(), 0);
}

TEST(HttpClient, ReadsRetryAfter) {
  const auto busy = [](const std::string& when) {
    return post_to(says("HTTP/1.1 429 Busy\r\nRetry-After: " + when + "\r\nContent-Length: 0\r\n\r\n"));
  };
  EXPECT_EQ(busy("7").retry_after, 7s);
  EXPECT_EQ(busy("999999999").retry_after, 24h);
  EXPECT_EQ(busy("soon").retry_after, 0s);
  EXPECT_EQ(busy("Fri, 01 Jan 2100 00:00:00 GMT").retry_after, 24h);
  EXPECT_TRUE(busy("7").temporary());
  const auto result = with_status(Result::retry("busy"), busy("7"));
  EXPECT_EQ(result.upstream_status, 429);
  EXPECT_EQ(result.retry_after, 7s);
}

TEST(HttpClient, GivesAHeaderOfTheLastAnswer) {
  int asked = 0;
  const FakeHttpServer server([&](int socket, const std::string&) {
    return FakeHttpServer::write(
        socket,
        ++asked == 1 ? "HTTP/1.1 403 X\r\nX-Amzn-ErrorType: Forbidden\r\nContent-Length: 0\r\n\r\n" : ok());
  });
  Client client;
  EXPECT_EQ(client.header("x-amzn-errortype"), "");
  EXPECT_EQ(post(client, server).status, 403);
  EXPECT_EQ(client.header("x-amzn-errortype"), "Forbidden");
  EXPECT_EQ(post(client, server).status, 200);
  EXPECT_EQ(client.header("x-amzn-errortype"), "");
}

TEST(HttpClient, WritesForms) {
  EXPECT_EQ(form({{"to", "+91 98&=%"}, {"empty", ""}, {"body", "Grüße\n"}}),
            "to=%2B91%2098%26%3D%25&body=Gr%C3%BC%C3%9Fe%0A");
  EXPECT_EQ(form({}), "");
}

}  // namespace
}  // namespace otpgw::http
