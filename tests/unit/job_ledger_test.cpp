// Goal: a job that is leased twice is sent once, and its result carries the newest attempt.
// Method: the ledger alone.
#include <gtest/gtest.h>

#include <string>

#include "worker/job_ledger.h"

namespace otpgw::worker {
namespace {

using wire::ResultCode;

wire::Job lease(const std::string& id, uint32_t attempt) {
  wire::Job job;
  job.id = id;
  job.attempt = attempt;
  return job;
}

wire::Result result(const std::string& id, uint32_t attempt, ResultCode code) {
  return {.job_id = id, .attempt = attempt, .code = code, .upstream_id = {}, .detail = {}};
}

template <class Kind>
bool is(const JobLedger::Admission& admission) {
  return std::holds_alternative<Kind>(admission);
}

TEST(JobLedger, ASecondLeaseAttachesToTheRunningCall) {
  JobLedger ledger(false);
  EXPECT_TRUE(is<JobLedger::Start>(ledger.admit(lease("a", 1))));
  EXPECT_TRUE(is<JobLedger::Attached>(ledger.admit(lease("a", 3))));
  EXPECT_TRUE(is<JobLedger::Attached>(ledger.admit(lease("a", 2))));
  EXPECT_EQ(ledger.in_hand(), 1u);
  EXPECT_EQ(ledger.finish(result("a", 1, ResultCode::sent)).attempt, 3u);
  EXPECT_EQ(ledger.in_hand(), 0u);
}

TEST(JobLedger, FinalResultsAreAnsweredAgain) {
  for (const auto code : {ResultCode::sent, ResultCode::rejected, ResultCode::unknown}) {
    JobLedger ledger(false);
    static_cast<void>(ledger.admit(lease("a", 1)));
    static_cast<void>(ledger.finish(result("a", 1, code)));
    const auto again = ledger.admit(lease("a", 2));
    ASSERT_TRUE(is<wire::Result>(again));
    EXPECT_EQ(std::get<wire::Result>(again).code, code);
    EXPECT_EQ(std::get<wire::Result>(again).attempt, 2u);
    EXPECT_EQ(ledger.in_hand(), 0u);
  }
}

TEST(JobLedger, WhatWasNotSentIsTriedAgain) {
  for (const auto code : {ResultCode::retry, ResultCode::broken}) {
    JobLedger ledger(false);
    static_cast<void>(ledger.admit(lease("a", 1)));
    static_cast<void>(ledger.finish(result("a", 1, code)));
    EXPECT_TRUE(is<JobLedger::Start>(ledger.admit(lease("a", 2))));
  }
}

TEST(JobLedger, AnIdempotentUpstreamGetsAnUnknownJobAgain) {
  JobLedger ledger(true);
  static_cast<void>(ledger.admit(lease("a", 1)));
  static_cast<void>(ledger.finish(result("a", 1, ResultCode::unknown)));
  EXPECT_TRUE(is<JobLedger::Start>(ledger.admit(lease("a", 2))));
}

TEST(JobLedger, RemembersOnlySoMany) {
  JobLedger ledger(false, 3);
  for (const auto* id : {"a", "b", "c", "d"}) {
    static_cast<void>(ledger.admit(lease(id, 1)));
    static_cast<void>(ledger.finish(result(id, 1, ResultCode::sent)));
  }
  EXPECT_TRUE(is<JobLedger::Start>(ledger.admit(lease("a", 2)))) << "the oldest is forgotten";
  EXPECT_TRUE(is<wire::Result>(ledger.admit(lease("b", 2))));
  EXPECT_TRUE(is<wire::Result>(ledger.admit(lease("d", 2))));
}

}  // namespace
}  // namespace otpgw::worker
