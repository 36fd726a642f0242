// The real templates and router over a service that remembers what it was asked.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "core/otp/refusals.h"
#include "core/otp/rules.h"
#include "web/pages.h"

namespace otpgw::web {

using http::Method;
using otp::Refusal;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr otp::UnixMs kNow = 1'700'000'000'000;

struct FixedClock final : otp::Clock {
  [[nodiscard]] otp::UnixMs now() const override { return kNow; }
};

inline Refusal refusal(Refusal::Kind kind, std::string message = "") {
  Refusal made;
  made.kind = kind;
  made.message = std::move(message);
  return made;
}

// Keeps one OTP; every call that may change something is written down in `calls`.
struct FakeService final : otp::Service {
  std::optional<otp::Otp> stored;
  std::optional<Refusal> next;      // the answer of the next call that changes something
  std::function<void()> on_change;  // what that call does to `stored`
  std::vector<std::string> calls;
  wire::Descriptor described;

  otp::Outcome answer() {
    if (on_change) std::exchange(on_change, nullptr)();
    if (next) return std::unexpected(*std::exchange(next, std::nullopt));
    return find(stored->name_space, stored->id);
  }
  void put(otp::PutRequest, otp::Done done) override {
    calls.emplace_back("put");
    done(answer());
  }
  void check(otp::CheckRequest request, otp::Done done) override {
    calls.push_back("check " + request.code + (request.door == otp::Door::page ? " page" : " api"));
    done(answer());
  }
  void resend(std::string, std::string, otp::Door, std::chrono::milliseconds, otp::Done done) override {
    calls.emplace_back("resend");
    done(answer());
  }
  void status(std::string, std::string, bool, otp::Done done) override {
    calls.emplace_back("status");
    done(answer());
  }
  void clear_limits(std::string, std::string, std::string, Cleared done) override { done(0); }
  otp::Outcome find(std::string_view name_space, std::string_view id) override {
    if (!stored || stored->name_space != name_space || stored->id != id) {
      return std::unexpected(refusal(Refusal::Kind::not_found));
    }
    if (!stored->live(kNow)) {
      auto expired = refusal(Refusal::Kind::not_found);
      expired.return_url = stored->return_url;
      return std::unexpected(expired);
    }
    return otp::Answer{*stored, "", stored->ttl_seconds(kNow)};
  }
  [[nodiscard]] bool may_view(std::string_view, std::string_view, std::string_view) const override {
    return true;
  }
  void set_address(std::string, std::string, std::string to, std::string expected, otp::Done done) override {
    calls.push_back("address " + to + " for " + expected);
    done(answer());
  }
  [[nodiscard]] std::shared_ptr<const wire::Descriptor> descriptor(std::string_view) const override {
    return std::make_shared<wire::Descriptor>(described);
  }
};

struct OpenGuard final : otp::PostGuard {
  std::optional<std::chrono::seconds> begin(const std::string&) override { return {}; }
  void end(std::string, bool, std::move_only_function<void()> done) override { done(); }
};

inline otp::Otp sent_otp() {
  otp::Otp otp;
  otp.name_space = "app";
  otp.id = "john/doe <1>";
  otp.to = "john@doe.com";
  otp.provider = "smtp";
  otp.max_attempts = 5;
  otp.max_generate = 3;
  otp.code_length = 6;
  otp.expires_at = kNow + 299'000;
  otp.delivery.state = otp::DeliveryState::queued;
  return otp;
}

// Without the style sheet.
inline std::string plain(const std::string& page) {
  const auto from = page.find("<style>"), to = page.find("</style>");
  return from < to && to != std::string::npos ? page.substr(0, from) + page.substr(to + 8) : page;
}

struct PagesTest : ::testing::Test {
  PagesTest() {
    config.app.root_url = "https://otp.example/gw";
    config.namespaces["app"] = {
        .name = "app", .secrets = {"secret"}, .origins = {"https://app.example", "http://localhost:*"}};
    service.described.channel_kind = wire::ChannelKind::email;
    service.stored = sent_otp();
    routes =
        add_page_routes(router, std::make_shared<config::Config>(config), assets_of(config), service, guard);
  }
  std::shared_ptr<const Assets> assets_of(const config::Config& from) {
    auto assets = Assets::read(from, OTPGW_SOURCE_DIR, clock);
    EXPECT_TRUE(assets) << assets.error();
    return *assets;
  }

  http::Response ask(Method method, std::string_view path, std::string_view query = "",
                     std::string_view body = "", std::string_view site = "same-origin",
                     std::string_view languages = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.body = body;
    request.headers = {{"content-type", "application/x-www-form-urlencoded"},
                       {"sec-fetch-site", site},
                       {"accept-language", languages}};
    std::optional<http::Response> response;
    router.dispatch(request, http::Reply([&](http::Response&& sent) { response = std::move(sent); }));
    EXPECT_TRUE(response) << "no answer";
    return response.value_or(http::Response{});
  }
  http::Response get(std::string_view query = "") { return ask(Method::get, kPath, query); }
  http::Response post(std::string_view body, std::string_view query = "") {
    return ask(Method::post, kPath, query, body);
  }

  static constexpr std::string_view kPath = "/otp/app/john%2Fdoe%20%3C1%3E";
  static constexpr std::string_view kAddressPath = "/otp/app/john%2Fdoe%20%3C1%3E/address";
  static constexpr const char* kLink = "/gw/otp/app/john%2Fdoe%20%3C1%3E";

  FixedClock clock;
  config::Config config;
  FakeService service;
  OpenGuard guard;
  http::Router router;
  std::shared_ptr<PageRoutes> routes;
};

}  // namespace otpgw::web
