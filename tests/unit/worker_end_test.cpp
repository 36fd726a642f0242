// How the worker's program ends. Goal: it outlives neither its core nor a plug-in that hangs, and its exit
// code says what is to be done: nothing, start it again, or mend the configuration. Method: starts
// otpgateway-worker as the core does, with plug-ins that misbehave.
#include "worker_fixture.h"

namespace otpgw::test {
namespace {

using wire::ResultCode;
using namespace std::chrono_literals;

TEST_F(WorkerTest, EndsAtOnceWhenTheCoreIsGone) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1", "hang"));
  std::this_thread::sleep_for(100ms);
  process.close_stdin();
  EXPECT_EQ(process.exit_code(3000ms), 0);
}

TEST_F(WorkerTest, EndsItselfWhenACallHangs) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  auto hanging = job("job-1", "hang");
  hanging.timeout_ms = 100;
  core.send(hanging);
  EXPECT_FALSE(process.wait(1900ms)) << "2 s are granted past the deadline";
  EXPECT_EQ(process.exit_code(2000ms), 3);
}

TEST_F(WorkerTest, EndsItselfWhenAPlugInHangsWhileItIsSetUpOrUnloaded) {
  Router core(endpoint_);
  WorkerProcess unloading(line(kTestProviders + "/minimal.so", 1, R"({"create":"never unload"})"));
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  unloading.signal(SIGTERM);
  WorkerProcess loading(line(kTestProviders + "/load_hangs.so", 1));
  WorkerProcess creating(line(kTestProviders + "/minimal.so", 1, R"({"create":"hang"})"));
  EXPECT_FALSE(creating.wait(5000ms)) << "a slow machine is no hanging plug-in";
  EXPECT_EQ(creating.exit_code(10'000ms), 3);
  EXPECT_EQ(loading.exit_code(10'000ms), 3);
  EXPECT_TRUE(unloading.wait(10'000ms));
}

TEST_F(WorkerTest, EndsInGoodOrderWhenAPlugInLeaks) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  for (int i = 0; i < 3; ++i) {
    core.send(job("job-" + std::to_string(i), "hoard"));
    const auto result = core.receive_a<wire::Result>(20'000ms);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->code, ResultCode::sent);
  }
  const auto no_more = core.receive_a<wire::Ready>();
  ASSERT_TRUE(no_more);
  EXPECT_EQ(no_more->capacity, 0u);
  EXPECT_TRUE(core.receive_a<wire::Bye>());
  EXPECT_EQ(process.exit_code(), 5);
}

TEST_F(WorkerTest, WithDebugACallMayHang) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line(), true);
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  auto hanging = job("job-1", "hang");
  hanging.timeout_ms = 100;
  core.send(hanging);
  EXPECT_FALSE(process.wait(3000ms));
}

TEST_F(WorkerTest, APlugInThatCrashesTakesOnlyTheWorker) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1", "crash"));
  const auto status = process.wait();
  ASSERT_TRUE(status);
  EXPECT_TRUE(WIFSIGNALED(*status));
}

// The unit would not start it again after 2, and the core would not notice a 0.
TEST_F(WorkerTest, APlugInThatCallsExitDoesNotChooseTheExitCode) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1", "exit"));
  EXPECT_EQ(process.exit_code(), 6);
}

TEST_F(WorkerTest, RefusesToStartWithExitCode2) {
  for (const auto& settings :
       {std::string("nonsense\n"), std::string("{}\n"), line("/nowhere.so", 1),
        line(kTestProviders + "/other_major.so", 1), line(kProviders + "/smtp.so", 1),
        line(kProviders + "/console.so", 0), line(kProviders + "/console.so", 100'000)})
    EXPECT_EQ(WorkerProcess(settings).exit_code(), 2) << settings;
}

TEST_F(WorkerTest, EndsWithExitCode1AfterWhatMayPass) {
  EXPECT_EQ(WorkerProcess(line(kTestProviders + "/init_fails.so", 1)).exit_code(), 1);
  WorkerProcess cut_off("{\"endpoint\":");
  cut_off.close_stdin();
  EXPECT_EQ(cut_off.exit_code(), 1);
}

TEST_F(WorkerTest, EndsWithExitCode1WithoutRoomForItsThreads) {
  WorkerProcess process("");
  process.limit_address_space(rlim_t{1} << 30);
  process.write(console_line(1024));
  EXPECT_EQ(process.exit_code(), 1);
}

}  // namespace
}  // namespace otpgw::test
