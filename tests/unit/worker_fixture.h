// The worker's program as the core starts it, with the settings in a pipe, and a ROUTER that plays the core.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
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

#include "core/wire/messages.h"

namespace otpgw::test {

inline const std::string kProviders = OTPGW_PROVIDERS_DIR;
inline const std::string kTestProviders = kProviders + "/../test-providers";

inline int64_t unix_ms() {
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
  std::optional<Received> receive(std::chrono::milliseconds timeout = std::chrono::milliseconds{5000},
                                  bool answer_pings = true) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
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
  std::optional<Kind> receive_a(std::chrono::milliseconds timeout = std::chrono::milliseconds{5000}) {
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
    write(settings_line);
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
  void write(const std::string& settings_line) const {
    [[maybe_unused]] const auto ignored = ::write(stdin_, settings_line.data(), settings_line.size());
  }
  void limit_address_space(rlim_t bytes) const {
    const rlimit limit{bytes, bytes};
    ::prlimit(pid_, RLIMIT_AS, &limit, nullptr);
  }
  // Whether its main thread waits for something, as /proc has it.
  [[nodiscard]] bool is_asleep() const {
    std::string pid, name, state;
    std::ifstream("/proc/" + std::to_string(pid_) + "/stat") >> pid >> name >> state;
    return state == "S";
  }
  void signal(int number) const { ::kill(pid_, number); }
  // The wait status once it ended.
  std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::milliseconds{5000}) {
    for (const auto end = std::chrono::steady_clock::now() + timeout; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds{5})) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return status;
      }
    }
    return {};
  }
  std::optional<int> exit_code(std::chrono::milliseconds timeout = std::chrono::milliseconds{5000}) {
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

}  // namespace otpgw::test
