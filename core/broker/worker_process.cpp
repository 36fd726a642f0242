#include "core/broker/worker_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/http/answer.h"

extern char** environ;

namespace otpgw::broker {
namespace {

constexpr std::size_t kComplaintBytesMax = 1000;

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

FileIdentity identify(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

std::string settings_line(const WorkerProcess::Place& place, const Launch& launch) {
  std::string line = "{";
  const auto add = [&line](std::string_view name, const std::string& text) {
    line.append("\"").append(name).append("\":");
    http::append_json(line, text);
    line.push_back(',');
  };
  add("endpoint", place.endpoint);
  add("provider", place.provider);
  add("section", place.section);
  add("instance", place.instance);
  add("plugin", launch.plugin.string());
  line.append(R"("max_conns":)").append(std::to_string(launch.max_conns));
  line.append(R"(,"config":)").append(launch.plugin_config).append(R"(,"secrets":[)");
  for (const auto& secret : launch.secrets) {
    if (!line.ends_with('[')) line.push_back(',');
    http::append_json(line, secret);
  }
  line.append("]}\n");
  return line;
}

// Returns the process and fills in our end of its standard input; an errno when that failed.
int spawn(const std::filesystem::path& program, bool check, pid_t& pid, int& socket) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
  // The core blocks the signals that it waits for; a worker must not inherit that.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string path = program.string(), spawned = "--spawned", checking = "--check";
  char* arguments[] = {path.data(), spawned.data(), check ? checking.data() : nullptr, nullptr};
  auto environment = worker_environment();
  const int error = ::posix_spawn(&pid, path.c_str(), &files, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
  } else {
    socket = ends[0];
  }
  return error;
}

}  // namespace

Launch::Launch(const config::Provider& provider)
    : plugin(provider.plugin),
      max_conns(provider.max_conns),
      timeout(provider.timeout),
      plugin_config(provider.plugin_config),
      secrets(provider.secrets) {
  look_again();
}

void Launch::look_again() { plugin_file = identify(plugin); }

WorkerProcess::WorkerProcess(const std::filesystem::path& program, Task task, const Place& place,
                             const Launch& launch) {
  if (const int error = spawn(program, task == Task::check, pid_, socket_); error != 0)
    throw std::system_error(error, std::generic_category(), program.string());
  // The worker reads at once, so this blocks for no time worth speaking of even when the settings exceed the
  // socket's buffer. One that is gone already is noticed by its end.
  const auto line = settings_line(place, launch);
  for (std::string_view rest = line; !rest.empty();) {
    const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

WorkerProcess::~WorkerProcess() { hang_up(); }

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), socket_(std::exchange(other.socket_, -1)) {}

WorkerProcess& WorkerProcess::operator=(WorkerProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(socket_, other.socket_);
  return *this;
}

void WorkerProcess::hang_up() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

std::string WorkerProcess::complaint() const {
  std::string text(kComplaintBytesMax, '\0');
  const auto size = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text.substr(0, text.find('\n'));
}

}  // namespace otpgw::broker
