// Metrics and readiness. Goal: every number is there from the first scrape, counts what its name says, also
// when many threads count at once, and readiness says what is wrong. Method: the exposition's text.
#include "core/ops/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "core/ops/process_stats.h"
#include "core/ops/readiness.h"

namespace otpgw::ops {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string line(const std::string& text) { return text + "\n"; }

TEST(Metrics, AreAllThereBeforeAnythingHappens) {
  Metrics metrics("1.2.3");
  metrics.add_provider("smtp");
  (void)metrics.add_route("PUT", "/api/otp/:id");
  const auto text = metrics.text({.providers = {{.id = "smtp"}}});
  for (const char* expected : {
           R"(otpgateway_build_info{version="1.2.3"} 1)",
           R"(otpgateway_http_requests_total{code="200",method="PUT",route="/api/otp/:id"} 0)",
           R"(otpgateway_http_requests_total{code="503",method="PUT",route="/api/otp/:id"} 0)",
           R"(otpgateway_http_request_duration_seconds_count{method="PUT",route="/api/otp/:id"} 0)",
           R"(otpgateway_otps_created_total{provider="smtp"} 0)",
           R"(otpgateway_otps_verified_total{provider="smtp"} 0)",
           R"(otpgateway_checks_total{outcome="wrong"} 0)",
           R"(otpgateway_send_attempts_total{provider="smtp"} 0)",
           R"(otpgateway_send_results_total{provider="smtp",result="lost"} 0)",
           R"(otpgateway_deliveries_total{provider="smtp",state="expired"} 0)",
           R"(otpgateway_delivery_duration_seconds_count{provider="smtp"} 0)",
           R"(otpgateway_worker_restarts_total{provider="smtp"} 0)",
           R"(otpgateway_worker_exits_total{provider="smtp",reason="signal"} 0)",
           R"(otpgateway_store_commit_duration_seconds_count 0)",
           R"(otpgateway_store_errors_total{kind="broken"} 0)",
           R"(otpgateway_breaker_state{provider="smtp"} 0)",
           R"(otpgateway_jobs_queued{provider="smtp"} 0)",
           R"(otpgateway_ready 1)",
       }) {
    EXPECT_THAT(text, HasSubstr(line(expected)));
  }
}

TEST(Metrics, EachFamilyStandsOnceWithHelpAndType) {
  Metrics metrics("1");
  metrics.add_provider("smtp");
  std::istringstream text(metrics.text({.providers = {{.id = "smtp"}}}));
  std::multiset<std::string> helps, types;
  for (std::string word, name, row; std::getline(text, row);) {
    std::istringstream words(row);
    if (words >> word && word == "#" && words >> word >> name) (word == "HELP" ? helps : types).insert(name);
  }
  EXPECT_EQ(helps, types);
  EXPECT_EQ(std::set<std::string>(types.begin(), types.end()).size(), types.size());
  EXPECT_GT(types.size(), 25U);
}

TEST(Metrics, AValueStandsInTheBucketThatItReaches) {
  Metrics metrics("1");
  metrics.committed(2, std::chrono::microseconds{250});    // on the boundary
  metrics.committed(512, std::chrono::microseconds{251});  // just above
  const auto text = metrics.text({});
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_store_commit_duration_seconds_bucket{le="0.00025"} 1)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_store_commit_duration_seconds_bucket{le="0.0005"} 2)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_store_commit_writes_bucket{le="1"} 0)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_store_commit_writes_bucket{le="512"} 2)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_store_commit_writes_sum 514)")));
}

TEST(Metrics, NothingIsLostWhenThreadsCountAtOnceAndScrape) {
  constexpr int kThreads = 4, kRounds = 20'000;
  Metrics metrics("1");
  const auto route = metrics.add_route("GET", "/");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        metrics.request(route, 200 + i % 3, std::chrono::milliseconds{1});
        metrics.send_ended(t % 2 == 0 ? "a" : "b", SendResult::sent);
        if (i % 1000 == 0) (void)metrics.text({});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto text = metrics.text({});
  EXPECT_THAT(
      text,
      HasSubstr(line(R"(otpgateway_http_request_duration_seconds_count{method="GET",route="/"} 80000)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_send_results_total{provider="a",result="sent"} 40000)")));
  EXPECT_THAT(text, HasSubstr(line(R"(otpgateway_send_results_total{provider="b",result="sent"} 40000)")));
}

TEST(Metrics, ALabelCanNotBreakOut) {
  Metrics metrics("1");
  metrics.add_provider("a\"\\\nb");
  EXPECT_THAT(metrics.text({}), HasSubstr(line(R"(otpgateway_otps_created_total{provider="a\"\\\nb"} 0)")));
}

TEST(ProcessStats, ArePlausible) {
  const auto stats = process_stats();
  EXPECT_GT(stats.resident_bytes, 1 << 20);
  EXPECT_GE(stats.open_descriptors, 3);
  EXPECT_GT(stats.descriptors_max, 3U);
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(stats.start_unix_seconds, now + 1);
  EXPECT_GT(stats.start_unix_seconds, now - 3600);
}

TEST(Readiness, IsTheStores) {
  Snapshot now{.providers = {{.id = "smtp", .workers = 1}}};
  EXPECT_TRUE(is_ready(now));
  EXPECT_THAT(troubles(now), testing::IsEmpty());
  now.store.writable = false;
  EXPECT_FALSE(is_ready(now));
  EXPECT_THAT(troubles(now), ElementsAre("The store can't be written."));
  now.store.writable = true;
  now.stopping = true;
  EXPECT_FALSE(is_ready(now));
}

TEST(Readiness, ShowsOtherTroubleAndStays) {
  Snapshot now{.providers = {{.id = "a", .workers = 0}, {.id = "b", .workers = 2, .breaker = Breaker::open}}};
  now.store.takes_new_otps = false;
  EXPECT_TRUE(is_ready(now));
  EXPECT_THAT(troubles(now),
              ElementsAre("New OTPs are refused: less than store.min_free is free on the store's disk.",
                          "The provider a has no worker.", "The provider b fails: its breaker is open."));
}

}  // namespace
}  // namespace otpgw::ops
