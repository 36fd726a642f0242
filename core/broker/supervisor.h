// Starts one worker process per enabled provider and starts it again when it ends ([workers] spawn = true).
//
// All calls on one thread (main's). A worker gets its own provider's configuration through a pipe on its
// standard input
// - never argv, environment or the whole file - and ends when that pipe closes, so no worker outlives its
// core.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "core/config/config.h"
#include "core/ops/metrics.h"

namespace otpgw::broker {

class Supervisor {
 public:
  using Clock = std::chrono::steady_clock;

  // `worker`: the otpgateway-worker program. `died`: told of each worker process that has ended.
  Supervisor(const config::Config& config, std::string endpoint, std::filesystem::path worker,
             ops::Metrics& metrics, std::function<void(const std::string& provider)> died);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts what is due to start. Call it again at next_start() at the latest.
  void start_due();
  // Takes in the ends of processes; call it on SIGCHLD.
  void reap();
  // Kills a worker that gives no sign of life; reap() then starts another. One that started just now is left
  // alone: it is the successor of the one that was meant.
  void kill_hanging(const std::string& provider);
  // When a worker is to be started again; far away when none is waiting.
  [[nodiscard]] Clock::time_point next_start() const;
  // Closes the pipes and waits for the processes, at most `patience`; then kills.
  void stop(std::chrono::milliseconds patience);

 private:
  struct Process {
    pid_t pid = 0;  // 0: not running
    int pipe = -1;
    Clock::time_point started{}, start_at{};
    std::chrono::milliseconds backoff{0};
  };
  void start(const std::string& provider, Process& process);
  void ended(const std::string& provider, Process& process, int status);

  const config::Config& config_;
  std::string endpoint_;
  std::filesystem::path worker_;
  ops::Metrics& metrics_;
  std::function<void(const std::string&)> died_;
  std::map<std::string, Process> processes_;  // by provider
};

}  // namespace otpgw::broker
