// What the store tells those who watch it. Goal: queue, state and commits are told as they are. Method: a
// real database file, a few jobs at known times.

#include "store_fixture.h"

namespace otpgw::store {
namespace {

class StoreWatchTest : public StoreTest {
 protected:
  Queue queue(const std::string& provider) {
    const auto queue = store_->queue(provider).value();
    store_->end_reads();
    return queue;
  }
};

TEST_F(StoreWatchTest, AQueueIsWhatWaits) {
  EXPECT_EQ(queue("smtp").jobs, 0);
  EXPECT_FALSE(queue("smtp").first_due_at);
  const auto first = clock_.now();
  put(otp("user-1"));
  clock_.now_ms += 1000;
  put(otp("user-2"));
  EXPECT_EQ(queue("smtp").jobs, 2);
  EXPECT_EQ(queue("smtp").first_due_at, first);
  EXPECT_EQ(queue("other").jobs, 0);
  const auto job = lease(1).jobs.at(0);
  EXPECT_EQ(job.queued_at, first);
  EXPECT_EQ(queue("smtp").jobs, 1) << "what is leased is not queued";
  finish(job, DeliveryState::queued, 5000);
  EXPECT_EQ(queue("smtp").jobs, 2) << "a retry is";
  EXPECT_EQ(queue("smtp").first_due_at, first + 1000);
}

TEST_F(StoreWatchTest, TellsItsState) {
  put(otp("user-1"));
  const auto state = store_->state();
  EXPECT_TRUE(state.writable);
  EXPECT_TRUE(state.takes_new_otps);
  EXPECT_GT(state.free_bytes, 0);
  EXPECT_EQ(static_cast<uintmax_t>(state.log_bytes), fs::file_size(file().string() + "-wal"));
}

TEST_F(StoreWatchTest, CountsCommitsThatWrote) {
  put(otp("user-1"));
  put(otp("user-2"));
  std::promise<void> done;
  store_->lease("nobody", 1, [&](const auto&) { done.set_value(); });  // finds nothing, writes nothing
  done.get_future().get();
  store_.reset();
  const auto text = metrics_.text({});
  EXPECT_THAT(text, testing::HasSubstr("\notpgateway_store_commit_duration_seconds_count 2\n"));
  EXPECT_THAT(text, testing::HasSubstr("\notpgateway_store_commit_writes_sum 2\n"));
}

}  // namespace
}  // namespace otpgw::store
