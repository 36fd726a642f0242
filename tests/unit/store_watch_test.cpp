// What the store tells those who watch it. Goal: queue, state and commits are told as they are, and a
// database of the first version is migrated. Method: a real database file, a few jobs at known times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <future>

#include "core/ops/metrics.h"
#include "core/store/sqlite/sqlite_store.h"
#include "core/store/store.h"

namespace otpgw::store {
namespace {

namespace fs = std::filesystem;

class FixedClock final : public otp::Clock {
 public:
  [[nodiscard]] otp::UnixMs now() const override { return now_ms; }
  std::atomic<otp::UnixMs> now_ms = 1'000'000'000'000;
};

class StoreWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "store_watch_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    auto opened =
        sqlite::open_store(file(), clock_, {.jobs_queued = [](const auto&) {}, .broken = {}}, 0, &metrics_);
    ASSERT_TRUE(opened) << opened.error();
    store_ = std::move(*opened);
  }
  [[nodiscard]] fs::path file() const { return folder_ / "otp.db"; }

  void put(const std::string& id) {
    otp::Otp wanted;
    wanted.name_space = "app";
    wanted.id = id;
    wanted.to = "someone";
    wanted.provider = "smtp";
    wanted.max_attempts = wanted.max_generate = 3;
    wanted.expires_at = wanted.keep_until = clock_.now() + 300'000;
    std::promise<bool> done;
    store_->put(std::move(wanted), {}, [&](const auto& written) { done.set_value(written.has_value()); });
    ASSERT_TRUE(done.get_future().get());
  }
  LeasedJob lease() {
    std::promise<Lease> done;
    store_->lease("smtp", 1, [&](auto lease) { done.set_value(std::move(*lease)); });
    return done.get_future().get().jobs.at(0);
  }
  void retry_later(const LeasedJob& job) {
    JobOutcome outcome;
    outcome.row = job.row;
    outcome.attempt = job.attempt;
    outcome.due_at = clock_.now() + 5000;
    std::promise<void> done;
    store_->finish({std::move(outcome)}, [&](const auto&) { done.set_value(); });
    done.get_future().get();
  }
  Queue queue(const std::string& provider) {
    const auto queue = store_->queue(provider).value();
    store_->end_reads();
    return queue;
  }

  fs::path folder_;
  FixedClock clock_;
  ops::Metrics metrics_{"test"};
  std::unique_ptr<Store> store_;
};

TEST_F(StoreWatchTest, AQueueIsWhatWaits) {
  EXPECT_EQ(queue("smtp").jobs, 0);
  EXPECT_FALSE(queue("smtp").first_due_at);
  const auto first = clock_.now();
  put("user-1");
  clock_.now_ms += 1000;
  put("user-2");
  EXPECT_EQ(queue("smtp").jobs, 2);
  EXPECT_EQ(queue("smtp").first_due_at, first);
  EXPECT_EQ(queue("other").jobs, 0);
  const auto job = lease();
  EXPECT_EQ(job.queued_at, first);
  EXPECT_EQ(queue("smtp").jobs, 1) << "what is leased is not queued";
  retry_later(job);
  EXPECT_EQ(queue("smtp").jobs, 2) << "a retry is";
  EXPECT_EQ(queue("smtp").first_due_at, first + 1000);
}

TEST_F(StoreWatchTest, TellsItsState) {
  put("user-1");
  const auto state = store_->state();
  EXPECT_TRUE(state.writable);
  EXPECT_TRUE(state.takes_new_otps);
  EXPECT_GT(state.free_bytes, 0);
  EXPECT_EQ(static_cast<uintmax_t>(state.log_bytes), fs::file_size(file().string() + "-wal"));
}

TEST_F(StoreWatchTest, CountsCommitsThatWrote) {
  put("user-1");
  put("user-2");
  std::promise<void> done;
  store_->lease("nobody", 1, [&](const auto&) { done.set_value(); });  // finds nothing, writes nothing
  done.get_future().get();
  store_.reset();
  const auto text = metrics_.text({});
  EXPECT_THAT(text, testing::HasSubstr("\notpgateway_store_commit_duration_seconds_count 2\n"));
  EXPECT_THAT(text, testing::HasSubstr("\notpgateway_store_commit_writes_sum 2\n"));
}

TEST_F(StoreWatchTest, ADatabaseOfTheFirstVersionIsMigrated) {
  put("user-1");
  store_.reset();
  sqlite3* raw = nullptr;
  sqlite3_open(file().c_str(), &raw);
  EXPECT_EQ(sqlite3_exec(raw, "ALTER TABLE job DROP COLUMN queued_at; PRAGMA user_version = 1", nullptr,
                         nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(raw);
  open();
  EXPECT_EQ(lease().queued_at, 0) << "its time is not known";
}

}  // namespace
}  // namespace otpgw::store
