// otpgateway-worker: loads one provider's plug-in and sends what the core leases to it.
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "core/start_error.h"
#include "core/wire/core_files.h"
#include "worker/exit_codes.h"
#include "worker/log.h"
#include "worker/options.h"
#include "worker/plugin_library.h"
#include "worker/settings.h"
#include "worker/worker.h"

namespace otpgw::worker {
namespace {

constexpr std::size_t kSpawnLineBytesMax = 1 << 20;
constexpr std::chrono::milliseconds kSpawnLineWait{10000};
// For loading the library, init and all creates, and for all that ends them; the watchdog adds its 2 s.
constexpr std::chrono::milliseconds kSetUpMax{8000};
// For what the library's own destructors do when the process ends; SIGALRM then ends it.
constexpr unsigned kExitSecondsMax = 10;

int exit_code(const StartError& error) { return error.may_pass ? kExitFailed : kExitRefused; }

int refuse(const StartError& error) {
  log(LogLevel::error, error.line);
  return exit_code(error);
}

// The same, told to the core through the socket that is the standard input of a worker that it started. The
// core says it once, however often it starts this worker.
int refuse_spawned(const StartError& error) {
  const auto line = error.line + "\n";
  if (::send(STDIN_FILENO, line.data(), line.size(), MSG_NOSIGNAL) < 0) return refuse(error);
  return exit_code(error);
}

// Byte by byte would do too: this is once per start, and nothing follows the line.
std::expected<std::string, std::string> read_spawn_line() {
  std::string line;
  const auto end = std::chrono::steady_clock::now() + kSpawnLineWait;
  while (line.size() < kSpawnLineBytesMax) {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(end - steady_clock::now()).count();
    pollfd item{STDIN_FILENO, POLLIN, 0};
    if (left <= 0 || ::poll(&item, 1, static_cast<int>(left)) == 0)
      return std::unexpected("standard input: no line of JSON came within 10 s");
    char buffer[4096];
    const auto size = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::unexpected("standard input: it ended before a whole line of JSON");
    line.append(buffer, static_cast<std::size_t>(size));
    if (const auto at = line.find('\n'); at != line.npos) return line.substr(0, at);
  }
  return std::unexpected("standard input: the line is longer than 1 MiB");
}

Settings read_settings(const Options& options) {
  if (options.mode != Options::Mode::spawned)
    return value_or_throw(settings_from_files(options.config_files, options.provider));
  return value_or_throw(settings_from_json(value_or_later(read_spawn_line())));
}

std::expected<void, std::string> check(const Settings& settings, const Options& options) {
  if (settings.max_conns < 1 || settings.max_conns > kConnectionsMax)
    return std::unexpected("max_conns: expected 1 to " + std::to_string(kConnectionsMax));
  if (!options.check &&
      !settings.endpoint.starts_with("ipc://"))  // tcp:// would be open to everybody on the network
    return std::unexpected("workers.endpoint: expected an address that begins with ipc://");
  return {};
}

// A signal that drains is read in the main loop; every thread is started with it blocked.
int block_drain_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a plug-in's TLS library may write to a closed connection
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

std::expected<Instances, std::string> make_instances(const PluginLibrary& library,
                                                     const wire::Descriptor& descriptor,
                                                     const Settings& settings) {
  const bool shared = (descriptor.flags & OTPGW_FLAG_THREAD_SAFE) != 0;
  const auto threads = static_cast<std::size_t>(settings.max_conns);
  const std::size_t count = shared ? 1 : threads + 1;  // the last one validates
  Instances instances;
  instances.made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto instance = library.create(descriptor, settings.plugin_config);
    if (!instance) return std::unexpected(instance.error());
    instances.made.push_back(std::move(*instance));
  }
  for (std::size_t i = 0; i < threads; ++i) instances.send.push_back(&instances.made[shared ? 0 : i]);
  instances.validate = &instances.made.back();
  return instances;
}

// In the order in which it is made; ended in the other.
struct Plugin {
  std::unique_ptr<PluginLibrary> library;
  Instances instances;
  wire::Descriptor descriptor;
};

Plugin set_up(const Settings& settings) {
  Plugin plugin;
  plugin.library = value_or_throw(PluginLibrary::load(settings.plugin));
  const auto offered = value_or_throw(plugin.library->descriptor_for(settings.provider));
  plugin.instances = value_or_throw(make_instances(*plugin.library, offered, settings));
  plugin.descriptor = value_or_throw(plugin.library->describe(*plugin.instances.validate, offered));
  return plugin;
}

// This process while an exit() is the plug-in's doing; a child that it forks is another one.
std::atomic<pid_t> serving = 0;

// Whatever status a plug-in calls exit() with: 0 would look as if all were well, and after 2 the worker's
// unit would start it no more.
void end_by_plugin() {
  if (::getpid() != serving) return;
  log(LogLevel::error, "the plug-in called exit(); ending this process");
  ::_exit(kExitByPlugin);
}

int serve(const Options& options) {
  wire::make_no_core_files();
  const bool spawned = options.mode == Options::Mode::spawned;
  const Controls controls{.drain_signal = block_drain_signals(), .parent_pipe = spawned ? STDIN_FILENO : -1};
  if (spawned) ::fcntl(STDIN_FILENO, F_SETFD, FD_CLOEXEC);
  const auto settings = read_settings(options);
  configure_log("otpgateway-worker[" + settings.provider + "]", options.debug,
                wire::Redaction(settings.secrets));
  value_or_throw(check(settings, options));

  Watchdog watchdog(
      1, !options.debug,
      settings.plugin.string() + ": it did not load, create or end within 10 s; ending this process");
  std::optional<Watchdog::Call> call(std::in_place, watchdog, 0, kSetUpMax);
  // The last line of a log that ends here names the file that crashed while it was loaded or set up.
  if (!options.check) log(LogLevel::info, "loading " + settings.plugin.string());
  serving = ::getpid();
  std::atexit(end_by_plugin);
  std::optional<Plugin> plugin;
  try {
    plugin = set_up(settings);
  } catch (const StartError& error) {
    const StartError told{settings.section + ": " + error.line, error.may_pass};
    return spawned ? refuse_spawned(told) : refuse(told);
  }
  call.reset();
  if (options.check) return kExitDrained;
  log(LogLevel::info, plugin->descriptor.name + " " + plugin->descriptor.version + " on " +
                          std::to_string(settings.max_conns) + " threads");

  std::optional<Worker> worker(std::in_place, settings, plugin->descriptor, plugin->instances, controls,
                               options.debug);
  const auto end = worker->run();
  // A core that is gone waits for nobody, and a call may be stuck for its whole deadline.
  if (end == Worker::End::orphaned) ::_exit(kExitDrained);
  worker.reset();
  call.emplace(watchdog, 0, kSetUpMax);
  plugin->instances.made.clear();
  plugin->library.reset();
  return end == Worker::End::full ? kExitMemoryFull : kExitDrained;
}

int run(int argc, char** argv) {
  const auto options = parse_options({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  if (!options) {
    std::fprintf(stderr, "otpgateway-worker: %s\n%.*s", options.error().c_str(),
                 static_cast<int>(kUsage.size()), kUsage.data());
    return kExitRefused;
  }
  switch (options->mode) {
    case Options::Mode::help:
      std::fputs(kUsage.data(), stdout);
      return 0;
    case Options::Mode::version:
      std::puts("otpgateway-worker " OTPGW_VERSION);
      return 0;
    case Options::Mode::spawned:
    case Options::Mode::by_itself:
      return serve(*options);
  }
  return kExitRefused;
}

}  // namespace
}  // namespace otpgw::worker

int main(int argc, char** argv) {
  using namespace otpgw;
  int code = 0;
  try {
    code = worker::run(argc, argv);
  } catch (const StartError& error) {
    code = worker::refuse(error);
  } catch (const std::exception& e) {  // no memory, no descriptor, no thread
    code = worker::refuse({e.what(), true});
  }
  worker::serving = 0;
  ::alarm(worker::kExitSecondsMax);
  return code;
}
