#include "core/broker/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "core/http/answer.h"
#include "core/ops/log.h"

extern char** environ;

namespace otpgw::broker {
namespace {

constexpr std::chrono::milliseconds kBackoffMin{100}, kBackoffMax{30'000};
constexpr std::chrono::seconds kHangsNotBefore{3};  // three heartbeats
constexpr std::chrono::seconds kStable{60};         // a worker that lived so long starts again without delay

// What a worker gets of our environment: neither the configuration's secrets nor what is between systemd and
// us.
std::vector<char*> worker_environment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const bool ours =
        std::ranges::any_of(std::array<std::string_view, 5>{"OTP_GATEWAY_", "NOTIFY_SOCKET=", "WATCHDOG_",
                                                            "LISTEN_", "CREDENTIALS_DIRECTORY="},
                            [&](std::string_view prefix) { return text.starts_with(prefix); });
    if (!ours) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

Supervisor::Supervisor(const config::Config& config, std::string endpoint, std::filesystem::path worker,
                       ops::Metrics& metrics, std::function<void(const std::string&)> died)
    : config_(config),
      endpoint_(std::move(endpoint)),
      worker_(std::move(worker)),
      metrics_(metrics),
      died_(std::move(died)) {
  for (const auto& [id, provider] : config_.providers) processes_[id];
}

Supervisor::~Supervisor() { stop(std::chrono::milliseconds{0}); }

void Supervisor::start_due() {
  for (auto& [provider, process] : processes_) {
    if (process.pid == 0 && process.start_at <= Clock::now()) start(provider, process);
  }
}

void Supervisor::start(const std::string& id, Process& process) {
  const auto& provider = config_.providers.at(id);
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return ended(id, process, 0);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, pipe[0], STDIN_FILENO);
  // The core blocks the signals that it waits for; a worker must not inherit that.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string program = worker_.string(), option = "--spawned";
  char* arguments[] = {program.data(), option.data(), nullptr};
  auto environment = worker_environment();
  if (process.started != Clock::time_point{}) metrics_.worker_restarted(id);
  process.started = Clock::now();
  const int error =
      ::posix_spawn(&process.pid, program.c_str(), &files, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  ::close(pipe[0]);
  process.pipe = pipe[1];
  if (error != 0) {
    ops::log_error("can't start the worker of " + id + " (" + program + "): " + std::strerror(error));
    process.pid = 0;
    return ended(id, process, 0);
  }

  std::string line = R"({"endpoint":)";
  http::append_json(line, endpoint_);
  line.append(R"(,"provider":)");
  http::append_json(line, id);
  line.append(R"(,"plugin":)");
  http::append_json(line, provider.plugin.string());
  line.append(R"(,"max_conns":)").append(std::to_string(provider.max_conns));
  line.append(R"(,"timeout_ms":)").append(std::to_string(provider.timeout.count()));
  line.append(R"(,"config":)").append(provider.plugin_config).append("}\n");
  // Far below a pipe's 64 KiB, so this never blocks; if the worker is gone already, reap() sees it.
  (void)!::write(process.pipe, line.data(), line.size());
}

void Supervisor::ended(const std::string& provider, Process& process, int status) {
  if (process.pipe >= 0) ::close(std::exchange(process.pipe, -1));
  process.pid = 0;
  metrics_.worker_exited(provider, WIFSIGNALED(status));
  const bool stable = Clock::now() - process.started > kStable;
  process.backoff = stable ? kBackoffMin : std::clamp(process.backoff * 2, kBackoffMin, kBackoffMax);
  process.start_at = Clock::now() + process.backoff;
  const auto how = WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                                       : "ended with status " + std::to_string(WEXITSTATUS(status));
  ops::log_warning("the worker of " + provider + " " + how + "; next start in " +
                   std::to_string(process.backoff.count()) + " ms");
  died_(provider);
}

void Supervisor::kill_hanging(const std::string& provider) {
  const auto& process = processes_.at(provider);
  if (process.pid == 0 || Clock::now() - process.started < kHangsNotBefore) return;
  ops::log_error("the worker of " + provider + " hangs; killing it");
  ::kill(process.pid, SIGKILL);
}

void Supervisor::reap() {
  for (auto& [provider, process] : processes_) {
    int status = 0;
    if (process.pid != 0 && ::waitpid(process.pid, &status, WNOHANG) == process.pid)
      ended(provider, process, status);
  }
}

Supervisor::Clock::time_point Supervisor::next_start() const {
  auto next = Clock::now() + std::chrono::hours{1};
  for (const auto& [provider, process] : processes_) {
    if (process.pid == 0) next = std::min(next, process.start_at);
  }
  return next;
}

void Supervisor::stop(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  for (auto& [provider, process] : processes_) {
    if (process.pipe >= 0) ::close(std::exchange(process.pipe, -1));
  }
  for (auto& [provider, process] : processes_) {
    while (process.pid != 0) {
      if (::waitpid(process.pid, nullptr, WNOHANG) != 0) {
        process.pid = 0;
      } else if (Clock::now() >= until) {
        ::kill(process.pid, SIGKILL);
        ::waitpid(process.pid, nullptr, 0);
        process.pid = 0;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
      }
    }
  }
}

}  // namespace otpgw::broker
