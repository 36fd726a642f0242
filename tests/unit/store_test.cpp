// Goal: the SQLite engine keeps what it acknowledged, decides inside its transaction, leases each job once,
// and refuses files that are not its own. Method: a real database file in a temporary folder, a clock in
// hand, many threads where it matters; each write is waited for.

#include <fstream>
#include <thread>

#include "core/store/snapshot.h"
#include "store_fixture.h"

namespace otpgw::store {
namespace {

// Spoils the row content of every page but the first.
void damage(const fs::path& database) {
  std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = fs::file_size(database);
  for (uint64_t page = 4096; page < size; page += 4096) {
    file.seekp(static_cast<std::streamoff>(page));
    file << std::string(64, '\xEE');
  }
}

TEST_F(StoreTest, KeepsEveryFieldAcrossAReopen) {
  auto wanted = otp("user-1");
  wanted.skip_delete = true;
  wanted.to_from_page = true;
  wanted.code_is_digits = false;
  put(wanted);
  open();
  const auto found = find("user-1");
  ASSERT_TRUE(found);
  EXPECT_EQ(encode_snapshot({.otp = *found}), encode_snapshot({.otp = wanted}));  // all fields at once
  EXPECT_EQ(found->delivery.state, DeliveryState::queued);
  EXPECT_EQ(find("user-2"), std::nullopt);
}

TEST_F(StoreTest, OtpAndJobAreWrittenTogetherAndTheListenerIsTold) {
  const auto written = put(otp("user-1"));
  EXPECT_NE(written.sending, 0);
  EXPECT_THAT(queued_for(), testing::ElementsAre("smtp"));
  EXPECT_EQ(put(otp("user-2", "")).sending, 0);
  EXPECT_EQ(find("user-2")->delivery.state, DeliveryState::none);
}

// 64 threads guess at once at one code: exactly max_attempts are evaluated, at most one success.
TEST_F(StoreTest, ParallelGuessesNeverGetPastTheMaximum) {
  for (int round = 0; round < 5; ++round) {
    const auto id = "user-" + std::to_string(round);
    put(otp(id));
    std::atomic<int> wrong = 0, right = 0, locked = 0;
    std::vector<std::thread> guessers;
    for (int g = 0; g < 64; ++g) {
      guessers.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          switch (check(id, "wrong").verdict) {
            case Verdict::wrong_code:
              ++wrong;
              break;
            case Verdict::locked:
              ++locked;
              break;
            default:
              ++right;
          }
        }
      });
    }
    for (auto& guesser : guessers) guesser.join();
    EXPECT_EQ(wrong, 5);
    EXPECT_EQ(locked, 64 * 5 - 5);
    EXPECT_EQ(right, 0);
    EXPECT_EQ(check(id, right_).verdict, Verdict::locked);
  }
}

TEST_F(StoreTest, ACodeIsConsumedOnceHoweverManyBringItAtOnce) {
  put(otp("user-1"));
  std::atomic<int> successes = 0;
  std::vector<std::thread> people;
  for (int g = 0; g < 32; ++g) {
    people.emplace_back([&] { successes += check("user-1", right_).verdict == Verdict::done; });
  }
  for (auto& person : people) person.join();
  EXPECT_EQ(successes, 1);
  EXPECT_EQ(find("user-1"), std::nullopt);
}

TEST_F(StoreTest, AJobIsLeasedOnceAndOldestFirst) {
  const auto first = put(otp("user-1")).sending;
  clock_.now_ms += 10;
  const auto second = put(otp("user-2")).sending;
  const auto leased = lease(1);
  ASSERT_EQ(leased.jobs.size(), 1u);
  EXPECT_EQ(leased.jobs[0].row, first);
  EXPECT_EQ(leased.jobs[0].attempt, 1u);
  EXPECT_EQ(leased.jobs[0].key.size(), 32u);
  EXPECT_EQ(leased.jobs[0].otp.code_sealed, otp("x").code_sealed);
  EXPECT_EQ(find("user-1")->delivery.state, DeliveryState::sending);
  const auto rest = lease();
  ASSERT_EQ(rest.jobs.size(), 1u);
  EXPECT_EQ(rest.jobs[0].row, second);
  EXPECT_TRUE(lease().jobs.empty());
  EXPECT_TRUE(lease(10, "other").jobs.empty());
}

TEST_F(StoreTest, AFinalResultIsKeptAndALaterOneIgnored) {
  put(otp("user-1"));
  const auto job = lease().jobs.at(0);
  EXPECT_EQ(finish(job, DeliveryState::sent), DeliveryState::sent);
  const auto delivery = find("user-1")->delivery;
  EXPECT_EQ(delivery.tries, 1);
  EXPECT_EQ(delivery.detail, "detail");
  EXPECT_EQ(delivery.upstream_id, "up-1");
  EXPECT_EQ(finish(job, DeliveryState::failed), DeliveryState::sent);
}

TEST_F(StoreTest, ARetryIsDueWhenItSaysAndIsTheNextAttempt) {
  put(otp("user-1"));
  const auto job = lease().jobs.at(0);
  EXPECT_EQ(finish(job, DeliveryState::queued, 1000), DeliveryState::queued);
  const auto early = lease();
  EXPECT_TRUE(early.jobs.empty());
  EXPECT_EQ(early.next_due_at, clock_.now() + 1000);
  clock_.now_ms += 1000;
  const auto again = lease();
  ASSERT_EQ(again.jobs.size(), 1u);
  EXPECT_EQ(again.jobs[0].attempt, 2u);
  EXPECT_EQ(again.jobs[0].tries, 1);
  EXPECT_EQ(again.jobs[0].key, job.key);
  // The first lease's voice counts no more, unless the message went out.
  EXPECT_EQ(finish(job, DeliveryState::failed), DeliveryState::sending);
  EXPECT_EQ(finish(job, DeliveryState::sent), DeliveryState::sent);
}

TEST_F(StoreTest, ARetryPastTheExpiryEndsAsExpired) {
  put(otp("user-1"));
  const auto job = lease().jobs.at(0);
  EXPECT_EQ(finish(job, DeliveryState::queued, 300'000), DeliveryState::expired);
}

TEST_F(StoreTest, AnExpiredJobIsNeverLeased) {
  const auto job = put(otp("user-1")).sending;
  clock_.now_ms += 300'000;
  const auto leased = lease();
  EXPECT_TRUE(leased.jobs.empty());
  EXPECT_THAT(leased.ended, testing::ElementsAre(job));
}

TEST_F(StoreTest, AQueuedJobOfAReplacedUsedOrDeletedOtpIsNotSent) {
  const auto replaced = put(otp("user-1")).sending;
  auto newer = otp("user-1");
  newer.code_hash = "new";
  const auto ended = put(newer).ended_job;
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->sending, replaced);
  EXPECT_EQ(ended->provider, "smtp");
  const auto used = put(otp("user-2")).sending;
  EXPECT_EQ(check("user-2", right_).ended_job.value().sending, used);
  const auto jobs = lease().jobs;
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].otp.code_hash, "new");
}

TEST_F(StoreTest, ARunningJobOfAReplacedOtpIsNotTriedAgain) {
  put(otp("user-1"));
  const auto running = lease().jobs.at(0);
  auto newer = otp("user-1");
  newer.code_hash = "new";
  put(newer);
  EXPECT_EQ(finish(running, DeliveryState::queued, 1000), DeliveryState::expired);
  EXPECT_EQ(find("user-1")->delivery.state, DeliveryState::queued);  // the new job's, untouched
}

TEST_F(StoreTest, ARunningJobOfAClosedOtpIsNotTriedAgain) {
  put(otp("user-1"));
  const auto running = lease().jobs.at(0);
  otp::Guess from_page{.hashes = {right_}, .digits_hashes = {right_}, .from_page = true, .skip_delete = {}};
  EXPECT_EQ(await<Written>([&](auto done) {
              store_->check("app", "user-1", from_page, {}, {}, std::move(done));
            })->verdict,
            Verdict::done);
  EXPECT_EQ(finish(running, DeliveryState::queued, 1000), DeliveryState::expired);
}

TEST_F(StoreTest, JobsLeasedByAFormerCoreAreLeasedAgain) {
  put(otp("user-1"));
  const auto job = lease().jobs.at(0);
  open();
  EXPECT_EQ(find("user-1")->delivery.state, DeliveryState::queued);
  const auto again = lease().jobs;
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].key, job.key);
  EXPECT_EQ(again[0].attempt, 2u);
}

TEST_F(StoreTest, SweepingEndsAndRemovesWhatIsOver) {
  const auto job = put(otp("user-1")).sending;
  clock_.now_ms += 300'000;
  EXPECT_EQ(find("user-1"), std::nullopt);  // absent at once, swept or not
  EXPECT_THAT(sweep(), testing::ElementsAre(job));
  clock_.now_ms += otp::kClosedKeptMs;
  EXPECT_THAT(sweep(), testing::IsEmpty());
  store_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &raw), SQLITE_OK);
  for (const char* table : {"otp", "job", "answer"}) {
    sqlite3_stmt* count = nullptr;
    sqlite3_prepare_v2(raw, (std::string("SELECT count(*) FROM ") + table).c_str(), -1, &count, nullptr);
    sqlite3_step(count);
    EXPECT_EQ(sqlite3_column_int(count, 0), 0) << table;
    sqlite3_finalize(count);
  }
  sqlite3_close(raw);
}

TEST_F(StoreTest, SweepingSaysWhenThereIsMore) {
  for (int i = 0; i < 1500; ++i) store_->put(otp("user-" + std::to_string(i)), {}, {}, [](auto) {});
  put(otp("the-last"));
  clock_.now_ms += 300'000;
  const auto swept = await<Swept>([&](auto done) { store_->sweep(std::move(done)); });
  EXPECT_TRUE(swept->more);
  EXPECT_EQ(swept->ended.size(), 1000u);
  EXPECT_EQ(sweep().size(), 501u);
}

TEST_F(StoreTest, AnIdempotentPutIsAnsweredAgainEvenWhenUsedAndAfterAReopen) {
  const otp::Idempotency key{"scope", "parameters"};
  const auto first = put(otp("user-1"), key);
  auto other_code = otp("user-1");
  other_code.code_hash = "new";  // each request makes a code of its own; the first one's counts
  const auto again = put(other_code, key);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.otp.code_hash, first.otp.code_hash);
  EXPECT_EQ(again.sending, first.sending);
  EXPECT_EQ(again.otp.generate, 1);
  finish(lease().jobs.at(0), DeliveryState::sent);
  EXPECT_EQ(check("user-1", right_).verdict, Verdict::done);
  open();
  const auto later = put(other_code, key);
  EXPECT_TRUE(later.replayed);
  EXPECT_EQ(later.otp.delivery.state, DeliveryState::sent);  // the current one
  EXPECT_EQ(find("user-1"), std::nullopt);
  EXPECT_EQ(put(otp("user-1"), otp::Idempotency{"scope", "others"}).verdict, Verdict::key_conflict);
  clock_.now_ms += 300'000;
  EXPECT_FALSE(put(otp("user-1"), key).replayed);  // remembered for the TTL
}

TEST_F(StoreTest, AnIdempotentWrongGuessCountsOnce) {
  put(otp("user-1"));
  const otp::Idempotency key{"scope", "parameters"};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(check("user-1", "wrong", key).verdict, Verdict::wrong_code);
  EXPECT_EQ(find("user-1")->attempts, 2);
}

TEST_F(StoreTest, APutOfTheSameCodeReplacesTheRestToo) {
  put(otp("user-1"));
  auto newer = otp("user-1");
  newer.provider = "sms";
  newer.extra = "1";
  newer.expires_at = newer.keep_until = clock_.now() + 600'000;
  put(newer);
  const auto found = find("user-1");
  EXPECT_EQ(found->provider, "sms");
  EXPECT_EQ(found->extra, "1");
  EXPECT_EQ(found->expires_at, newer.expires_at);
}

TEST_F(StoreTest, DescriptorsAreRemembered) {
  wire::Descriptor descriptor;
  descriptor.id = "smtp";
  descriptor.otp_length_max = 8;
  store_->save_descriptor("mail", descriptor);
  open();
  const auto all = store_->descriptors();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].first, "mail");
  EXPECT_EQ(all[0].second, descriptor);
}

TEST_F(StoreTest, ASecondInstanceIsRefused) {
  const auto second = sqlite::open_store(file(), clock_, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().line, testing::HasSubstr("another instance is running"));
  EXPECT_TRUE(second.error().may_pass);
}

TEST_F(StoreTest, RunsInWalModeAndIsPrivate) {
  put(otp("user-1"));
  EXPECT_TRUE(fs::exists(file().string() + "-wal"));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    EXPECT_EQ(fs::status(file().string() + suffix).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
  }
}

TEST_F(StoreTest, AForeignLaterOrBrokenFileIsRefusedAndUntouched) {
  const auto refused = [&](const fs::path& path) {
    const auto opened = sqlite::open_store(path, clock_, {});
    if (opened) return std::string("opened");
    EXPECT_FALSE(opened.error().may_pass);
    return opened.error().line;
  };
  sql(folder_ / "foreign.db", "CREATE TABLE theirs (x); PRAGMA application_id = 7");
  EXPECT_THAT(refused(folder_ / "foreign.db"), testing::HasSubstr("another program"));
  store_.reset();
  sql(file(), "PRAGMA user_version = 99");
  EXPECT_THAT(refused(file()), testing::HasSubstr("later version"));
  // The next version only adds.
  sql(file(), "PRAGMA user_version = 7");
  EXPECT_EQ(refused(file()), "opened");
  std::ofstream(folder_ / "junk.db") << std::string(8192, 'j');
  EXPECT_THAT(refused(folder_ / "junk.db"), testing::HasSubstr("not a database"));
  EXPECT_EQ(fs::file_size(folder_ / "junk.db"), 8192u);
}

TEST_F(StoreTest, WritesInOneBatchSeeEachOther) {
  // Many at once land in few commits; every one is called back, in order per caller.
  std::atomic<int> done = 0, first_generation = 0;
  for (int i = 0; i < 2000; ++i) {
    auto wanted = otp("user-" + std::to_string(i / 2));
    wanted.code_hash = std::to_string(i);
    store_->put(wanted, {}, {}, [&](std::expected<Written, Error> written) {
      ASSERT_TRUE(written);
      first_generation += written->otp.generate == 1;
      ++done;
    });
  }
  while (done < 2000) std::this_thread::yield();
  EXPECT_EQ(first_generation, 1000);
}

TEST_F(StoreTest, ADamagedDatabaseEndsTheProcessAndIsThenRefused) {
  put(otp("id-one"));
  store_.reset();
  damage(file());
  std::string reason;
  auto opened = sqlite::open_store(
      file(), clock_, {.jobs_queued = [](const auto&) {}, .broken = [&](const auto& why) { reason = why; }});
  if (opened) {  // nobody has looked at the damaged pages yet
    const auto found = (*opened)->find("app", "id-one");
    EXPECT_EQ(found.error(), Error::broken);
    EXPECT_NE(reason, "");
    opened->reset();
  }
  std::ofstream(file().string() + ".suspect");
  const auto damaged = fs::file_size(file());
  opened = sqlite::open_store(file(), clock_, {.jobs_queued = {}, .broken = {}});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().line.starts_with(file().string() + ": ")) << opened.error().line;
  EXPECT_FALSE(opened.error().may_pass);
  EXPECT_EQ(fs::file_size(file()), damaged);
}

TEST_F(StoreTest, AGoodDatabaseIsClearedOfSuspicion) {
  put(otp("id-one"));
  store_.reset();
  std::ofstream(file().string() + ".suspect");
  open();
  EXPECT_TRUE(find("id-one"));
  EXPECT_FALSE(fs::exists(file().string() + ".suspect"));
}

TEST_F(StoreTest, TakesNoNewOtpWithoutItsFreeSpace) {
  store_.reset();
  auto opened = sqlite::open_store(file(), clock_, {.jobs_queued = [](const auto&) {}, .broken = {}},
                                   {.min_free_bytes = INT64_MAX});
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  const auto written =
      await<Written>([&](auto done) { store_->put(otp("id-one"), {}, {}, std::move(done)); });
  EXPECT_EQ(written.error(), Error::unavailable);
  EXPECT_EQ(sweep(), std::vector<int64_t>{}) << "other writes go on";
}

}  // namespace
}  // namespace otpgw::store
