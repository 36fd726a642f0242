// Goal: the worker's program keeps its side of the wire protocol: it is ready, validates, sends each job
// once, drains, notices a core that is gone, and ends itself when a plug-in hangs. Method: starts
// otpgateway-worker as the core does, with the settings in a pipe, and plays the core with a ROUTER.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "core/wire/boot_time.h"
#include "core/wire/messages.h"

namespace otpgw {
namespace {

using testing::HasSubstr;
using wire::ResultCode;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string kProviders = OTPGW_PROVIDERS_DIR;
const std::string kTestProviders = kProviders + "/../test-providers";

int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "otpgw-worker-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The core's side of the socket.
class Router {
 public:
  explicit Router(const std::string& endpoint) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind(endpoint);
  }

  struct Received {
    std::string peer;
    wire::Message message;
  };
  // The next message that is not a PING. PINGs of workers that said READY are answered, as the core does.
  std::optional<Received> receive(std::chrono::milliseconds timeout = 5000ms, bool answer_pings = true) {
    const auto end = Clock::now() + timeout;
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
      if (left.count() <= 0 || zmq::poll(&item, 1, left) == 0) return {};
      zmq::message_t frames[4];
      for (auto& frame : frames) static_cast<void>(socket_.recv(frame));
      auto message = wire::decode(frames[2].to_string_view(), frames[3].to_string_view());
      EXPECT_TRUE(message);
      EXPECT_EQ(*frames[1].data<uint8_t>(), wire::kVersion);
      if (!message) return {};
      const auto peer = frames[0].to_string();
      if (std::holds_alternative<wire::Ready>(*message)) known_.insert(peer);
      if (!std::holds_alternative<wire::Ping>(*message)) return Received{peer, *message};
      if (answer_pings && known_.contains(peer)) send(peer, wire::Ping{});
    }
  }

  template <class Kind>
  std::optional<Kind> receive_a(std::chrono::milliseconds timeout = 5000ms) {
    const auto received = receive(timeout);
    if (!received || !std::holds_alternative<Kind>(received->message)) return {};
    peer_ = received->peer;
    return std::get<Kind>(received->message);
  }

  void send(const std::string& peer, const wire::Message& message) {
    const auto frames = wire::encode(message);
    send_frames(
        peer, {std::string(1, static_cast<char>(wire::kVersion)), std::string(frames.command), frames.body});
  }
  void send(const wire::Message& message) { send(peer_, message); }
  void send_frames(const std::string& peer, const std::vector<std::string>& frames) {
    socket_.send(zmq::buffer(peer), zmq::send_flags::sndmore);
    for (std::size_t i = 0; i < frames.size(); ++i)
      socket_.send(zmq::buffer(frames[i]),
                   i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_{context_, zmq::socket_type::router};
  std::string peer_;  // the last that receive_a() heard
  std::set<std::string> known_;
};

class WorkerProcess {
 public:
  WorkerProcess(const std::string& settings_line, bool debug = false) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    stdin_ = ends[1];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    std::string program = OTPGW_BIN_DIR "/otpgateway-worker", spawned = "--spawned", debug_option = "--debug";
    char* arguments[] = {program.data(), spawned.data(), debug ? debug_option.data() : nullptr, nullptr};
    const int failed = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[0]);
    if (failed != 0) throw std::runtime_error("cannot start " + program);
    [[maybe_unused]] const auto ignored = ::write(stdin_, settings_line.data(), settings_line.size());
  }
  ~WorkerProcess() {
    close_stdin();
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void close_stdin() {
    if (stdin_ >= 0) ::close(std::exchange(stdin_, -1));
  }
  void signal(int number) const { ::kill(pid_, number); }
  // The wait status once it ended.
  std::optional<int> wait(std::chrono::milliseconds timeout = 5000ms) {
    for (const auto end = Clock::now() + timeout; Clock::now() < end; std::this_thread::sleep_for(5ms)) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return status;
      }
    }
    return {};
  }
  std::optional<int> exit_code(std::chrono::milliseconds timeout = 5000ms) {
    const auto status = wait(timeout);
    return status && WIFEXITED(*status) ? std::optional(WEXITSTATUS(*status)) : std::nullopt;
  }

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
};

class WorkerTest : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const std::string endpoint_ = "ipc://" + (directory_ / "socket");
  const std::string console_file_ = directory_ / "codes";

  [[nodiscard]] std::string line(const std::string& plugin, int max_conns,
                                 const std::string& config = "{}") const {
    return R"({"endpoint":")" + endpoint_ + R"(","provider":"mail","plugin":")" + plugin +
           R"(","max_conns":)" + std::to_string(max_conns) + R"(,"timeout_ms":5000,"config":)" + config +
           "}\n";
  }
  [[nodiscard]] std::string console_line(int max_conns = 4) const {
    return line(kProviders + "/console.so", max_conns, R"({"file":")" + console_file_ + "\"}");
  }
  [[nodiscard]] std::string minimal_line(int max_conns = 1) const {
    return line(kTestProviders + "/minimal.so", max_conns);
  }
  static wire::Job job(const std::string& id, const std::string& subject = "hello", uint32_t attempt = 1) {
    return {.id = id,
            .attempt = attempt,
            .name_space = "myApp",
            .otp_id = "john-doe",
            .address = "john@doe.example",
            .code = "354965",
            .subject = subject,
            .body = "body",
            .text_body = {},
            .locale = {},
            .extra = "{}",
            .otp_json = "{}",
            .expiry_unix_ms = unix_ms() + 60'000,
            .timeout_ms = 5000};
  }
  [[nodiscard]] int lines_sent() const {
    std::ifstream file(console_file_);
    int count = 0;
    for (std::string text; std::getline(file, text);) ++count;
    return count;
  }
};

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
  core.send(job("running", "slow"));
  core.send(job("queued", "slow"));
  std::this_thread::sleep_for(100ms);
  process.signal(SIGTERM);
  const auto no_more = core.receive_a<wire::Ready>();
  ASSERT_TRUE(no_more);
  EXPECT_EQ(no_more->capacity, 0u);
  core.send(job("too-late", "slow"));
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

TEST_F(WorkerTest, EndsAtOnceWhenTheCoreIsGone) {
  Router core(endpoint_);
  WorkerProcess process(minimal_line());
  ASSERT_TRUE(core.receive_a<wire::Ready>());
  core.send(job("job-1", "hang"));
  std::this_thread::sleep_for(100ms);
  process.close_stdin();
  EXPECT_EQ(process.exit_code(3000ms), 0);
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

TEST_F(WorkerTest, EndsItselfWhenAPlugInHangsWhileItIsSetUp) {
  WorkerProcess loading(line(kTestProviders + "/load_hangs.so", 1));
  WorkerProcess creating(line(kTestProviders + "/minimal.so", 1, R"({"create":"hang"})"));
  EXPECT_FALSE(creating.wait(5000ms)) << "a slow machine is no hanging plug-in";
  EXPECT_EQ(creating.exit_code(10'000ms), 3);
  EXPECT_EQ(loading.exit_code(10'000ms), 3);
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

TEST_F(WorkerTest, RefusesToStartWithExitCode2) {
  for (const auto& settings :
       {std::string("nonsense\n"), std::string("{}\n"), line("/nowhere.so", 1),
        line(kTestProviders + "/other_major.so", 1), line(kProviders + "/smtp.so", 1),
        line(kProviders + "/console.so", 0), line(kProviders + "/console.so", 100'000)})
    EXPECT_EQ(WorkerProcess(settings).exit_code(), 2) << settings;
  WorkerProcess ended("{\"endpoint\":");
  ended.close_stdin();
  EXPECT_EQ(ended.exit_code(), 2);
}

}  // namespace
}  // namespace otpgw
