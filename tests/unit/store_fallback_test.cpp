// Goal: a list of providers goes on in the transaction that ends a step, in no other case and never twice;
// and a database from before there were lists is taken over. Method: a real database file, a clock in hand.

#include "store_fixture.h"

namespace otpgw::store {
namespace {

// What the schema of user_version 1 was: never to be changed.
#define FIRST_VERSION_ROWS                                                                                   \
  "INSERT INTO otp (namespace, id, address, address_normalised, address_from_page, provider, "               \
  "channel_description, address_description, extra, attempts, max_attempts, generate, max_generate, "        \
  "closed, "                                                                                                 \
  "skip_delete, code_is_digits, code_length, code_hash, code_sealed, expires_at, keep_until, job) VALUES "   \
  "('app', 'user-1', 'john@doe.example', 'john@doe.example', 0, 'smtp', '', '', '{}', 1, 5, 1, 3, 0, 0, 1, " \
  "6, x'01', x'02', 1000000300000, 1000000300000, 5);"                                                       \
  "INSERT INTO job (row, key, otp, provider, state, due_at, expires_at, attempt, tries, deaths, detail, "    \
  "upstream_id) VALUES (5, 'key', 1, 'smtp', 1, 1000000000000, 1000000300000, 0, 0, 0, '', '')"
constexpr const char* kFirstVersionRows = FIRST_VERSION_ROWS;
constexpr const char* kFirstVersion =
    "CREATE TABLE otp (row INTEGER PRIMARY KEY, namespace TEXT NOT NULL, id TEXT NOT NULL, "
    "address TEXT NOT NULL, address_normalised TEXT NOT NULL, address_from_page INTEGER NOT NULL, "
    "provider TEXT NOT NULL, channel_description TEXT NOT NULL, address_description TEXT NOT NULL, "
    "extra TEXT NOT NULL, attempts INTEGER NOT NULL, max_attempts INTEGER NOT NULL, generate INTEGER NOT "
    "NULL, "
    "max_generate INTEGER NOT NULL, closed INTEGER NOT NULL, skip_delete INTEGER NOT NULL, "
    "code_is_digits INTEGER NOT NULL, code_length INTEGER NOT NULL, code_hash BLOB NOT NULL, "
    "code_sealed BLOB NOT NULL, expires_at INTEGER NOT NULL, keep_until INTEGER NOT NULL, "
    "job INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX otp_id ON otp (namespace, id); CREATE INDEX otp_end ON otp (keep_until);"
    "CREATE TABLE job (row INTEGER PRIMARY KEY, key TEXT NOT NULL, otp INTEGER NOT NULL, "
    "provider TEXT NOT NULL, state INTEGER NOT NULL, due_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, "
    "attempt INTEGER NOT NULL, tries INTEGER NOT NULL, deaths INTEGER NOT NULL, detail TEXT NOT NULL, "
    "upstream_id TEXT NOT NULL) STRICT;"
    "CREATE INDEX job_due ON job (provider, due_at) WHERE state = 1;"
    "CREATE INDEX job_queued_end ON job (expires_at) WHERE state = 1; CREATE INDEX job_end ON job "
    "(expires_at);"
    "CREATE TABLE answer (scope BLOB PRIMARY KEY, parameters BLOB NOT NULL, snapshot BLOB NOT NULL, "
    "job INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX answer_end ON answer (expires_at);"
    "CREATE TABLE descriptor (provider TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 0x4f545047; PRAGMA user_version = 1;" FIRST_VERSION_ROWS;

TEST_F(StoreTest, AListGoesOnInTheTransactionThatEndsAStep) {
  const auto sending = put(listed("user-1")).sending;
  const auto first = lease(10, "whatsapp").jobs.at(0);
  EXPECT_EQ(first.otp.to_normalised, "+1");
  const auto end = finish_job(first, DeliveryState::failed);
  EXPECT_EQ(end.state, DeliveryState::failed);
  EXPECT_EQ(end.sending, sending);
  EXPECT_FALSE(end.ended);
  EXPECT_THAT(queued_for(), testing::ElementsAre("whatsapp", "sms"));
  open();  // as after a crash
  const auto found = find("user-1");
  EXPECT_EQ(found->provider, "sms");
  EXPECT_EQ(found->delivery.state, DeliveryState::queued);
  EXPECT_EQ(found->fallback.steps[0].delivery.state, DeliveryState::failed);
  EXPECT_EQ(found->fallback.steps[0].delivery.detail, "detail");
  const auto second = lease(10, "sms").jobs.at(0);
  EXPECT_NE(second.key, first.key);
  EXPECT_EQ(second.otp.to_normalised, "+2");
  EXPECT_EQ(second.otp.code_sealed, first.otp.code_sealed);
  const auto last = finish_job(second, DeliveryState::sent);
  EXPECT_TRUE(last.ended);
  EXPECT_EQ(last.sending, sending);  // what the loop waits on, however often the provider changed
  EXPECT_TRUE(find("user-1")->delivery_ended());
  EXPECT_EQ(finish(first, DeliveryState::sent), DeliveryState::failed);  // a final state is final
}

TEST_F(StoreTest, AStepThatHasHadItsTimeIsLeft) {
  put(listed("user-1"));
  clock_.now_ms += 19'999;
  sweep();
  EXPECT_EQ(find("user-1")->provider, "whatsapp");
  clock_.now_ms += 1;
  EXPECT_THAT(sweep(), testing::ElementsAre(0));  // the job has ended, its sending has not
  const auto found = find("user-1");
  EXPECT_EQ(found->provider, "sms");
  EXPECT_EQ(found->fallback.steps[0].delivery.state, DeliveryState::expired);
  EXPECT_EQ(found->fallback.steps[0].delivery.detail, "not sent in time");
  EXPECT_TRUE(lease(10, "whatsapp").jobs.empty());
  EXPECT_EQ(lease(10, "sms").jobs.size(), 1u);
  clock_.now_ms += 20'000;
  sweep();
  EXPECT_EQ(find("user-1")->provider, "sms");  // the last one stays
}

TEST_F(StoreTest, ACallThatOutlastsItsStepReportsToItsOwnJob) {
  const auto sending = put(listed("user-1")).sending;
  const auto slow = lease(10, "whatsapp").jobs.at(0);
  clock_.now_ms += 20'000;
  sweep();
  EXPECT_EQ(find("user-1")->fallback.steps[0].delivery.state, DeliveryState::sending);
  // Not sent: nothing changes for the second. It is not tried again.
  put(listed("user-2"));
  const auto other = lease(10, "whatsapp").jobs.at(0);
  clock_.now_ms += 20'000;
  sweep();
  EXPECT_EQ(finish_job(other, DeliveryState::queued, 1000).state, DeliveryState::expired);
  EXPECT_EQ(find("user-2")->delivery.state, DeliveryState::queued);
  // Sent: that is the delivery, and the second, which has not begun, is not needed.
  const auto end = finish_job(slow, DeliveryState::sent);
  EXPECT_TRUE(end.ended);
  EXPECT_EQ(end.sending, sending);
  const auto found = find("user-1");
  EXPECT_EQ(found->provider, "whatsapp");
  EXPECT_EQ(found->delivery.state, DeliveryState::sent);
  EXPECT_EQ(found->fallback.steps[1].delivery.state, DeliveryState::expired);
  const auto left = lease(10, "sms").jobs;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].otp.id, "user-2");
}

TEST_F(StoreTest, AfterACrashAStepThatWasLeftIsNotSentAgain) {
  put(listed("user-1"));
  lease(10, "whatsapp");
  clock_.now_ms += 20'000;
  sweep();
  open();
  const auto leased = lease(10, "whatsapp");
  EXPECT_TRUE(leased.jobs.empty());
  EXPECT_THAT(leased.ended, testing::ElementsAre(0));  // the sending goes on with the second
  EXPECT_EQ(lease(10, "sms").jobs.size(), 1u);
}

TEST_F(StoreTest, AResendOfAListTakesTheNextProvider) {
  put(listed("user-1"));
  finish(lease(10, "whatsapp").jobs.at(0), DeliveryState::sent);
  const auto resent = *await<Written>(
      [&](auto done) { store_->resend("app", "user-1", std::chrono::milliseconds{0}, {}, std::move(done)); });
  EXPECT_EQ(resent.otp.provider, "sms");
  EXPECT_EQ(resent.otp.generate, 2);
  const auto job = lease(10, "sms").jobs.at(0);
  EXPECT_EQ(job.row, resent.sending);
  const auto end = finish_job(job, DeliveryState::failed);
  EXPECT_TRUE(end.ended);
  EXPECT_EQ(end.sending, resent.sending);
  EXPECT_EQ(find("user-1")->delivery.state, DeliveryState::failed);
}

TEST_F(StoreTest, AnIdempotentAnswerFollowsTheList) {
  const otp::Idempotency key{"scope", "parameters"};
  const auto first = put(listed("user-1"), key);
  finish(lease(10, "whatsapp").jobs.at(0), DeliveryState::failed);
  finish(lease(10, "sms").jobs.at(0), DeliveryState::sent);
  EXPECT_EQ(check("user-1", right_).verdict, Verdict::done);  // and is gone
  const auto again = put(listed("user-1"), key);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.sending, first.sending);
  EXPECT_EQ(again.otp.provider, "sms");
  EXPECT_EQ(again.otp.delivery.state, DeliveryState::sent);
  EXPECT_EQ(again.otp.fallback.steps[0].delivery.state, DeliveryState::failed);
  EXPECT_TRUE(again.otp.delivery_ended());
}

TEST_F(StoreTest, AReplacedListIsOver) {
  put(listed("user-1"));
  const auto running = lease(10, "whatsapp").jobs.at(0);
  put(otp("user-1"));
  EXPECT_TRUE(finish_job(running, DeliveryState::failed).ended);
  EXPECT_EQ(find("user-1")->provider, "smtp");
  EXPECT_TRUE(lease(10, "sms").jobs.empty());
  clock_.now_ms += 20'000;
  sweep();
  EXPECT_EQ(find("user-1")->provider, "smtp");
}

// The file of 0.1.0 before lists of providers, with an OTP and its queued job.
TEST_F(StoreTest, AFileOfTheFirstVersionIsTakenOver) {
  store_.reset();
  fs::remove(file());
  sql(file(), kFirstVersion);
  open();
  const auto found = find("user-1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to, "john@doe.example");
  EXPECT_FALSE(found->has_fallback());
  EXPECT_EQ(found->delivery.state, DeliveryState::queued);
  const auto job = lease().jobs.at(0);
  EXPECT_EQ(job.row, 5);
  EXPECT_EQ(job.queued_at, 0) << "its time is not known";
  EXPECT_TRUE(finish_job(job, DeliveryState::sent).ended);
  EXPECT_EQ(put(listed("user-2")).otp.provider, "whatsapp");
}

// What the first version writes stands in a file of this one, too: it can be put back.
TEST_F(StoreTest, TheFirstVersionCanWriteAFileOfThisOne) {
  store_.reset();
  sql(file(), kFirstVersionRows);
  open();
  EXPECT_EQ(find("user-1")->delivery.state, DeliveryState::queued);
  EXPECT_EQ(lease().jobs.size(), 1u);
}

}  // namespace
}  // namespace otpgw::store
