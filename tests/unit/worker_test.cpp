// Goal: the worker's program keeps its side of the wire protocol: it is ready, validates, sends each job
// once, drains and finds its core again. Method: starts otpgateway-worker as the core does, with the settings
// in a pipe, and plays the core with a ROUTER.
#include <gmock/gmock.h>

#include "core/wire/boot_time.h"
#include "worker_fixture.h"

namespace otpgw::test {
namespace {

using testing::HasSubstr;
using wire::ResultCode;
using namespace std::chrono_literals;

TEST_F(WorkerTest, IsReadyValidatesSendsAndDrains) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  const auto ready = core.receive_a<wire::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->provider, "mail");
  EXPECT_EQ(ready->descriptor.id, "console");
  EXPECT_EQ(ready->capacity, 8u) << "twice its threads";
  EXPECT_EQ(ready->instance.size(), 32u);

  core.send(wire::Validate{.request = 5, .address = "john@doe.example"});
  core.send(wire::Validate{.request = 6, .address = ""});
  const auto good = core.receive_a<wire::Address>(), bad = core.receive_a<wire::Address>();
  ASSERT_TRUE(good && bad);
  EXPECT_EQ(good->request, 5u);
  EXPECT_EQ(good->verdict, wire::AddressVerdict::valid);
  EXPECT_EQ(bad->verdict, wire::AddressVerdict::invalid);

  core.send(job("job-1"));
  const auto result = core.receive_a<wire::Result>();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->job_id, "job-1");
  EXPECT_EQ(result->code, ResultCode::sent);
  std::ifstream file(console_file_);
  std::string text;
  std::getline(file, text);
  EXPECT_THAT(
      text, HasSubstr(R"("to":"john@doe.example","namespace":"myApp","otp_id":"john-doe","code":"354965")"));
  EXPECT_EQ(std::filesystem::status(console_file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  core.send(wire::Drain{});
  const auto no_more = core.receive_a<wire::Ready>();
  ASSERT_TRUE(no_more);
  EXPECT_EQ(no_more->capacity, 0u);
  EXPECT_TRUE(core.receive_a<wire::Bye>());
  EXPECT_EQ(process.exit_code(), 0);
}

TEST_F(WorkerTest, AJobLeasedAgainIsAnsweredButNotSentAgain) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1"));
  ASSERT_TRUE(core.receive_a<wire::Result>());
  core.send(job("job-1", "hello", 2));
  const auto again = core.receive_a<wire::Result>();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->code, ResultCode::sent);
  EXPECT_EQ(again->attempt, 2u);
  EXPECT_EQ(lines_sent(), 1);
}

TEST_F(WorkerTest, AJobLeasedAgainWhileItIsSentGivesOneResult) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1", "slow"));
  core.send(job("job-1", "slow", 2));
  const auto result = core.receive_a<wire::Result>();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->attempt, 2u);
  EXPECT_FALSE(core.receive(500ms));
}

TEST_F(WorkerTest, ManyJobsAllComeBack) {
  Router core(endpoint_);
  WorkerProcess process(console_line(8));
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  constexpr int kJobs = 2000, kCredit = 16;
  int leased = 0, done = 0;
  while (done < kJobs) {
    for (; leased < kJobs && leased - done < kCredit; ++leased)
      core.send(job("job-" + std::to_string(leased)));
    const auto result = core.receive_a<wire::Result>();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->code, ResultCode::sent);
    ++done;
  }
  EXPECT_EQ(lines_sent(), kJobs);
}

TEST_F(WorkerTest, AnExpiredJobIsNotSent) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  auto late = job("job-1");
  late.expiry_unix_ms = unix_ms() - 1;
  core.send(late);
  const auto result = core.receive_a<wire::Result>();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->code, ResultCode::retry);
  EXPECT_EQ(result->detail, "expired before the call");
  EXPECT_FALSE(result->begun);
  EXPECT_EQ(lines_sent(), 0);
}

TEST_F(WorkerTest, OnTheCoresMachineWallTimeDoesNotMatter) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  auto in_time = job("job-1"), late = job("job-2"), elsewhere = job("job-3");
  in_time.expiry_unix_ms = elsewhere.expiry_unix_ms = unix_ms() - 1;
  in_time.boot_id = late.boot_id = wire::boot_id();
  in_time.expiry_boot_ms = elsewhere.expiry_boot_ms = wire::boot_ms() + 60'000;
  late.expiry_boot_ms = wire::boot_ms() - 1;
  elsewhere.boot_id = "another boot";
  for (const auto& [one, code] : {std::pair{in_time, ResultCode::sent}, std::pair{late, ResultCode::retry},
                                  std::pair{elsewhere, ResultCode::retry}}) {
    core.send(one);
    const auto result = core.receive_a<wire::Result>();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->code, code) << one.id;
  }
  EXPECT_EQ(lines_sent(), 1);
}

TEST_F(WorkerTest, JobsBeyondEveryCreditAreHandedBack) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  for (int i = 0; i < 12; ++i) core.send(job("job-" + std::to_string(i), "slow"));
  const auto first = core.receive_a<wire::Result>();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->code, ResultCode::retry);
  EXPECT_EQ(first->detail, "the worker's queue is full");
  EXPECT_FALSE(first->begun);
}

TEST_F(WorkerTest, ASignalDrainsAndWhatNoThreadBeganGoesBackToTheCore) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("running", "late"));
  core.send(job("queued", "slow"));
  std::this_thread::sleep_for(100ms);
  process.signal(SIGTERM);
  const auto no_more = core.receive_a<wire::Ready>();
  ASSERT_TRUE(no_more);
  EXPECT_EQ(no_more->capacity, 0u);
  core.send(job("too-late", "slow"));
  core.send(job("running", "late", 2));  // somebody else would send it a second time
  int asleep = 0;
  for (int i = 0; i < 20; ++i, std::this_thread::sleep_for(20ms)) asleep += process.is_asleep() ? 1 : 0;
  EXPECT_GT(asleep, 10) << "it waits for the send, and does not spin";
  std::map<std::string, ResultCode> results;
  for (int i = 0; i < 3; ++i) {
    const auto result = core.receive_a<wire::Result>();
    ASSERT_TRUE(result);
    results[result->job_id] = result->code;
  }
  EXPECT_EQ(results["queued"], ResultCode::retry);
  EXPECT_EQ(results["too-late"], ResultCode::retry);
  EXPECT_EQ(results["running"], ResultCode::sent);
  EXPECT_TRUE(core.receive_a<wire::Bye>());
  EXPECT_EQ(process.exit_code(), 0);
}

TEST_F(WorkerTest, SaysReadyAgainToACoreThatWasSilent) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  const auto first = core.receive(5000ms);
  ASSERT_TRUE(first);
  const auto again = core.receive(6000ms, false);
  ASSERT_TRUE(again);
  ASSERT_TRUE(std::holds_alternative<wire::Ready>(again->message));
  EXPECT_NE(again->peer, first->peer) << "a new socket";
  EXPECT_EQ(std::get<wire::Ready>(again->message).instance, std::get<wire::Ready>(first->message).instance);
}

TEST_F(WorkerTest, FindsACoreThatRestarted) {
  auto core = std::make_unique<Router>(endpoint_);
  WorkerProcess process(console_line());
  ASSERT_TRUE(core->receive_a<wire::Ready>());
  core.reset();
  core = std::make_unique<Router>(endpoint_);
  ASSERT_TRUE(core->receive_a<wire::Ready>(1000ms)) << "much sooner than by its silence";
  core->send(job("job-1"));
  EXPECT_TRUE(core->receive_a<wire::Result>());
}

TEST_F(WorkerTest, IgnoresWhatItDoesNotUnderstand) {
  Router core(endpoint_);
  WorkerProcess process(console_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  const std::vector<std::vector<std::string>> nonsense{{"x"},
                                                       {"\x01", "NOPE", ""},
                                                       {"\x01", "JOB", "short"},
                                                       {"\x63", "DRAIN", ""},
                                                       {"\x01", "DRAIN"},
                                                       {"\x01", "DRAIN", "", ""},
                                                       {"", "DRAIN", ""},
                                                       {std::string(1, '\0'), "DRAIN", ""}};
  for (const auto& frames : nonsense) core.send_frames(core.peer(), frames);
  core.send(job("job-1"));
  const auto result = core.receive_a<wire::Result>();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->code, ResultCode::sent);
}

}  // namespace
}  // namespace otpgw::test
