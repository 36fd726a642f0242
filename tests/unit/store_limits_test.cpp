// Goal: what limits count is in the store, in the transaction of what is counted; a refusal leaves no trace.
// Method: a real database with small limits and the clock in hand; opened again where it must not forget.

#include "core/otp/rules.h"
#include "store_fixture.h"

namespace otpgw::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr int64_t kMinute = 60'000;
constexpr const char* kAddress = "john@doe.example";

class StoreLimitsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    limits_.address_sends = {{2, minutes{10}}};
    limits_.address_guesses = {{3, hours{24}}};
    use();
  }
  void use() { policy_ = std::make_shared<limits::Policy>(limits_, vault_); }
  Written resend(const std::string& id, milliseconds cooldown = milliseconds{0}) {
    return *await<Written>([&](auto done) { store_->resend("app", id, cooldown, policy_, std::move(done)); });
  }
  Written set_address(otp::Otp wanted) {
    const auto expected = otp::address_token(*find(wanted.id));
    return *await<Written>(
        [&](auto done) { store_->set_address(std::move(wanted), expected, policy_, std::move(done)); });
  }
  int64_t forget(const std::string& address) {
    return *await<int64_t>(
        [&](auto done) { store_->forget(policy_->keys_of("app", address), std::move(done)); });
  }
  void sent(const std::string& id) {
    for (const auto& job : lease().jobs) {
      if (job.otp.id == id) finish(job, DeliveryState::sent);
    }
  }
  std::string ask(const std::string& question) const {
    sqlite3* raw = nullptr;
    sqlite3_open(file().c_str(), &raw);
    std::string answer;
    sqlite3_exec(
        raw, question.c_str(),
        [](void* out, int, char** values, char**) {
          *static_cast<std::string*>(out) = values[0] ? values[0] : "";
          return 0;
        },
        &answer, nullptr);
    sqlite3_close(raw);
    return answer;
  }

  config::Limits limits_;
  const otp::CodeVault vault_{{otp::Key{1}}};
};

TEST_F(StoreLimitsTest, SendsCountByAddressAcrossIds) {
  EXPECT_EQ(put(otp("user-1")).verdict, Verdict::done);
  EXPECT_EQ(put(otp("user-2")).verdict, Verdict::done);
  const auto refused = put(otp("user-3"));
  EXPECT_EQ(refused.verdict, Verdict::limited);
  ASSERT_TRUE(refused.over);
  EXPECT_EQ(refused.over->limit, limits::Limit::address_sends);
  EXPECT_EQ(refused.over->wait_ms, 10 * kMinute);
  EXPECT_FALSE(find("user-3"));
  EXPECT_EQ(lease().jobs.size(), 2U);
  EXPECT_EQ(put(otp("user-4", "else@doe.example")).verdict, Verdict::done);
  clock_.now_ms += 10 * kMinute;
  EXPECT_EQ(put(otp("user-3")).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, ARefusedPutLeavesTheLiveCodeAsItWas) {
  put(otp("user-1"));
  put(otp("user-1"));
  const auto before = *find("user-1");
  auto newer = otp("user-1");
  newer.code_hash = "newer";
  EXPECT_EQ(put(newer).verdict, Verdict::limited);
  const auto after = *find("user-1");
  EXPECT_EQ(after.code_hash, before.code_hash);
  EXPECT_EQ(after.generate, 2);
  EXPECT_EQ(after.delivery.state, DeliveryState::queued);
  EXPECT_EQ(check("user-1", right_).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, ALockIsSaidBeforeALimit) {
  auto once = otp("user-1");
  once.max_generate = 1;
  put(once);
  put(otp("user-2"));
  EXPECT_EQ(put(otp("user-1")).verdict, Verdict::locked);
  EXPECT_EQ(resend("nobody").verdict, Verdict::not_found);
}

TEST_F(StoreLimitsTest, EveryDoorThatSendsCounts) {
  limits_.address_sends = {{4, minutes{10}}};
  use();
  put(otp("user-1"));
  sent("user-1");
  EXPECT_EQ(resend("user-1").verdict, Verdict::done);
  auto empty = otp("user-2", "");
  EXPECT_EQ(put(empty).verdict, Verdict::done);  // sends nothing, counts nothing
  auto with_address = otp("user-2");
  EXPECT_EQ(set_address(with_address).verdict, Verdict::done);
  auto other = otp("user-2", "else@doe.example");
  EXPECT_EQ(set_address(other).verdict, Verdict::done);         // another address' first
  EXPECT_EQ(set_address(with_address).verdict, Verdict::done);  // the fourth
  sent("user-1");
  EXPECT_EQ(resend("user-1").verdict, Verdict::limited);
  EXPECT_EQ(set_address(other).verdict, Verdict::locked);
  EXPECT_EQ(put(otp("user-3")).verdict, Verdict::limited);
}

TEST_F(StoreLimitsTest, AResendWhileOneIsUnderWayCountsNothing) {
  put(otp("user-1"));
  EXPECT_EQ(resend("user-1").verdict, Verdict::still_sending);
  EXPECT_EQ(put(otp("user-2")).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, TheStepsOfAListAreOneSending) {
  auto wanted = listed("user-1");
  for (auto& step : wanted.fallback.steps) step.to_normalised = "+1";
  wanted.to_normalised = "+1";
  put(wanted);
  finish(lease(10, "whatsapp").jobs.at(0), DeliveryState::failed);
  EXPECT_EQ(lease(10, "sms").jobs.size(), 1U);
  wanted.id = "user-2";
  EXPECT_EQ(put(wanted).verdict, Verdict::done);
  wanted.id = "user-3";
  EXPECT_EQ(put(wanted).verdict, Verdict::limited);
}

TEST_F(StoreLimitsTest, WrongGuessesCountByAddressAcrossIdsAndThenNoneIsEvaluated) {
  limits_.address_sends.clear();
  use();
  for (const char* id : {"user-1", "user-2"}) put(otp(id));
  EXPECT_EQ(check("user-1", "wrong").verdict, Verdict::wrong_code);
  EXPECT_EQ(check("user-2", "wrong").verdict, Verdict::wrong_code);
  put(otp("user-2"));  // a new code gives no new guesses
  EXPECT_EQ(check("user-2", "wrong").verdict, Verdict::wrong_code);
  const auto refused = check("user-1", right_);
  EXPECT_EQ(refused.verdict, Verdict::limited);
  EXPECT_EQ(refused.over->limit, limits::Limit::address_guesses);
  EXPECT_EQ(check("user-1", "wrong").verdict, Verdict::limited);
  EXPECT_EQ(find("user-1")->attempts, 2);
  EXPECT_FALSE(find("user-1")->closed);
  put(otp("user-3"));
  EXPECT_EQ(check("user-3", right_).verdict, Verdict::limited);
  put(otp("user-4", "else@doe.example"));
  EXPECT_EQ(check("user-4", right_).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, ARightGuessCountsNothing) {
  limits_.address_sends.clear();
  use();
  for (int i = 0; i < 5; ++i) {
    put(otp("user-1"));
    EXPECT_EQ(check("user-1", right_).verdict, Verdict::done);
  }
}

TEST_F(StoreLimitsTest, AReplayedRequestCountsNothing) {
  const otp::Idempotency key{"scope", "parameters"}, guess_key{"guess", "parameters"};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(put(otp("user-1"), key).verdict, Verdict::done);
  EXPECT_EQ(put(otp("user-2")).verdict, Verdict::done);
  EXPECT_EQ(put(otp("user-3"), otp::Idempotency{"other", "parameters"}).verdict, Verdict::limited);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(check("user-1", "wrong", guess_key).verdict, Verdict::wrong_code);
  EXPECT_EQ(find("user-1")->attempts, 2);
  clock_.now_ms += 10 * kMinute;  // a refusal is no answer to remember
  EXPECT_EQ(put(otp("user-3"), otp::Idempotency{"other", "parameters"}).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, ARestartForgetsNothing) {
  put(otp("user-1"));
  put(otp("user-2"));
  for (int i = 0; i < 3; ++i) check("user-1", "wrong");
  open();
  EXPECT_EQ(put(otp("user-3")).verdict, Verdict::limited);
  EXPECT_EQ(check("user-2", right_).verdict, Verdict::limited);
}

TEST_F(StoreLimitsTest, ByClientNamespaceAndPrefix) {
  limits_.address_sends.clear();
  const auto only = [this](config::Rates config::Limits::*limit) {
    limits_.client_sends = limits_.namespace_sends = limits_.prefix_sends = {};
    limits_.*limit = {{2, minutes{10}}};
    use();
  };
  const auto number = [this](const std::string& id, const std::string& to, const std::string& client = {}) {
    auto wanted = otp(id, to);
    wanted.client = policy_->client_key("app", client);
    return put(wanted);
  };
  only(&config::Limits::client_sends);
  number("client-1", "+491511000001", "192.0.2.1");
  number("client-2", "+492511000002", "192.0.2.1");
  EXPECT_EQ(number("client-3", "+493511000003", "192.0.2.1").over->limit, limits::Limit::client_sends);
  EXPECT_EQ(number("client-4", "+494511000004", "192.0.2.2").verdict, Verdict::done);
  EXPECT_EQ(number("client-5", "+495511000005").verdict, Verdict::done);
  sent("client-1");
  EXPECT_EQ(resend("client-1").verdict, Verdict::limited);  // remembered with the OTP
  only(&config::Limits::prefix_sends);
  number("prefix-1", "+491511000001");
  number("prefix-2", "+491511000002");
  EXPECT_EQ(number("prefix-3", "+491511000003").over->limit, limits::Limit::prefix_sends);
  EXPECT_EQ(number("prefix-4", "+491519000004").verdict, Verdict::done);
  only(&config::Limits::namespace_sends);
  number("space-1", "a@doe.example");
  number("space-2", "b@doe.example");
  EXPECT_EQ(number("space-3", "c@doe.example").over->limit, limits::Limit::namespace_sends);
  auto elsewhere = otp("space-4", "c@doe.example");
  elsewhere.name_space = "other";
  EXPECT_EQ(put(elsewhere).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, MonitoringCountsSaysSoAndLetsPass) {
  limits_.enforce = false;
  use();
  EXPECT_FALSE(put(otp("user-1")).over);
  EXPECT_FALSE(put(otp("user-2")).over);
  const auto passed = put(otp("user-3"));
  EXPECT_EQ(passed.verdict, Verdict::done);
  EXPECT_EQ(passed.over->limit, limits::Limit::address_sends);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(check("user-3", "wrong").over);
  EXPECT_EQ(check("user-3", right_).verdict, Verdict::done);
  limits_.enforce = true;
  use();
  EXPECT_EQ(put(otp("user-4")).verdict, Verdict::limited);
}

TEST_F(StoreLimitsTest, ForgettingAnAddressUnlocksIt) {
  put(otp("user-1"));
  put(otp("user-2"));
  for (int i = 0; i < 3; ++i) check("user-1", "wrong");
  EXPECT_EQ(forget("else@doe.example"), 0);
  EXPECT_EQ(check("user-2", right_).verdict, Verdict::limited);
  EXPECT_EQ(forget("John@DOE.example"), 2);
  EXPECT_EQ(put(otp("user-3")).verdict, Verdict::done);
  EXPECT_EQ(check("user-2", right_).verdict, Verdict::done);
}

TEST_F(StoreLimitsTest, PagePostsAreAskedAndCountedApart) {
  limits_.ip_posts = {{2, minutes{1}}};
  use();
  const auto accounts = policy_->page_posts("192.0.2.1");
  const auto over = [&] {
    const auto found = store_->over(accounts, 0);
    store_->end_reads();
    return found->has_value();
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(over());
    EXPECT_TRUE(await<bool>([&](auto done) { store_->count(accounts, policy_, std::move(done)); }));
  }
  EXPECT_TRUE(over());
  clock_.now_ms += kMinute;
  EXPECT_FALSE(over());
}

TEST_F(StoreLimitsTest, ASweepTakesWhatHasEnded) {
  put(otp("user-1"));
  check("user-1", "wrong");
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "2");
  clock_.now_ms += 10 * kMinute;
  sweep();
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "1");
  clock_.now_ms += 24 * 60 * kMinute;
  sweep();
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "0");
}

TEST_F(StoreLimitsTest, ASweepTakesWhatAClockThatWasAheadHasLeft) {
  const auto right = clock_.now_ms.load();
  clock_.now_ms += 3 * 365 * 24 * 60 * kMinute;
  put(otp("user-1"));
  clock_.now_ms = right;  // after a reboot
  open();
  limits_.address_sends = {{2, config::kRatePeriodMax}};
  use();
  put(otp("user-2", "else@doe.example"));
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "2");
  sweep();
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "1");
  EXPECT_EQ(forget("else@doe.example"), 1);  // the longest that there is stays
}

TEST_F(StoreLimitsTest, NoAddressStandsInACounter) {
  limits_.prefix_sends = limits_.namespace_sends = limits_.client_sends = {{9, hours{1}}};
  use();
  auto wanted = otp("user-1", "+4915112345678");
  wanted.client = policy_->client_key("app", "192.0.2.1");
  put(wanted);
  const auto rows =
      ask("SELECT group_concat(hex(key) || hex(windows)) FROM counter") + ask("SELECT hex(client) FROM otp");
  for (const char* hex : {"3439313531", "3139322E30"})
    EXPECT_THAT(rows, testing::Not(testing::HasSubstr(hex)));
  EXPECT_EQ(ask("SELECT max(length(key)) FROM counter"), "16");
}

TEST_F(StoreLimitsTest, TheTableIsBoundedAndTheFirstToEndGoes) {
  store_.reset();
  store_ = *sqlite::open_store(file(), clock_, {.jobs_queued = [](const auto&) {}, .broken = {}},
                               {.metrics = &metrics_, .counters_max = 3});
  const auto send = [this](int number) {
    return put(otp("user-" + std::to_string(number), std::to_string(number) + "@doe.example")).verdict;
  };
  for (int i = 0; i < 5; ++i) {
    send(i);
    clock_.now_ms += 1000;
  }
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "3");
  send(4);
  EXPECT_EQ(send(4), Verdict::limited);
  send(0);  // was forgotten
  EXPECT_EQ(send(0), Verdict::done);
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "3");
  clock_.now_ms += 10 * kMinute;
  sweep();
  for (int i = 10; i < 13; ++i) send(i);
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "3");
}

// What counters were up to user_version 5: never to be changed.
TEST_F(StoreLimitsTest, WhatTheFormerVersionCountedCounts) {
  put(otp("user-1"));
  put(otp("user-2"));
  check("user-1", "wrong");
  store_.reset();
  sql(file(),
      "CREATE TABLE kept AS SELECT key, windows, ends_at FROM counter; DROP TABLE counter;"
      "CREATE TABLE counter (key BLOB PRIMARY KEY, windows BLOB NOT NULL, ends_at INTEGER NOT NULL) STRICT, "
      "WITHOUT ROWID;"
      "CREATE INDEX counter_end ON counter (ends_at);"
      "INSERT INTO counter SELECT key, windows, ends_at FROM kept; DROP TABLE kept; PRAGMA user_version = 5");
  open();
  EXPECT_EQ(put(otp("user-3")).verdict, Verdict::limited);
  EXPECT_EQ(check("user-1", "wrong").verdict, Verdict::wrong_code);
  EXPECT_EQ(check("user-2", "wrong").verdict, Verdict::wrong_code);
  EXPECT_EQ(check("user-2", right_).verdict, Verdict::limited);
  EXPECT_EQ(forget(kAddress), 2);
  EXPECT_EQ(ask("SELECT count(*) FROM counter"), "0");
}

// So that an upgrade can be taken back: what it prepares at its start, and what that is to do.
TEST_F(StoreLimitsTest, TheFormerVersionCountsOnInOurTable) {
  put(otp("user-1"));
  store_.reset();
  const auto windows = ask("SELECT quote(windows) FROM counter");
  sql(file(),
      "INSERT OR REPLACE INTO counter (key, windows, ends_at) VALUES (x'01', x'02', 5), (x'03', x'04', 6);"
      "INSERT OR REPLACE INTO counter (key, windows, ends_at) VALUES (x'01', x'02', 7);"
      "UPDATE counter SET windows = x'05' WHERE key = x'01';"
      "DELETE FROM counter WHERE key IN (SELECT key FROM counter WHERE ends_at <= 6 LIMIT 9) RETURNING 1;"
      "DELETE FROM counter WHERE key = x'06' RETURNING 1");
  EXPECT_EQ(ask("SELECT group_concat(quote(windows)) FROM (SELECT windows FROM counter WHERE key > x'' "
                "ORDER BY ends_at)"),
            "X'05'," + windows);
  sql(file(), "DELETE FROM counter WHERE key IN (SELECT key FROM counter ORDER BY ends_at LIMIT 1)");
  EXPECT_EQ(ask("SELECT quote(windows) FROM counter"), windows);
}

TEST_F(StoreLimitsTest, APageWaitsBeforeItSendsAgain) {
  limits_.address_sends.clear();
  use();
  put(otp("user-1"));
  sent("user-1");
  EXPECT_EQ(resend("user-1", milliseconds{30'000}).verdict, Verdict::too_early);
  EXPECT_EQ(find("user-1")->resend_wait_ms(clock_.now(), milliseconds{30'000}), 30'000);
  clock_.now_ms += 29'999;
  EXPECT_EQ(resend("user-1", milliseconds{30'000}).verdict, Verdict::too_early);
  EXPECT_EQ(find("user-1")->generate, 1);
  clock_.now_ms += 1;
  EXPECT_EQ(resend("user-1", milliseconds{30'000}).verdict, Verdict::done);
  finish(lease().jobs.at(0), DeliveryState::failed);
  EXPECT_EQ(resend("user-1", milliseconds{30'000}).verdict, Verdict::done);  // that one did not go out
}

}  // namespace
}  // namespace otpgw::store
