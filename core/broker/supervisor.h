// Runs one worker process for each enabled provider and starts it again when it ends ([workers] spawn =
// true).
//
// A provider that changes gets a new worker beside the old one; only when that is ready is the old one asked
// to finish what it has in hand and end. So there is no moment without a worker, and a new one that can't
// begin costs nothing.
//
// All calls on one thread (main's).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/broker/worker_process.h"
#include "core/config/config.h"
#include "core/ops/metrics.h"

namespace otpgw::broker {

class Supervisor {
 public:
  using Clock = std::chrono::steady_clock;

  // `worker`: the otpgateway-worker program. `died`: told of each instance that ended otherwise than by
  // finishing.
  Supervisor(std::string endpoint, std::filesystem::path worker, ops::Metrics& metrics,
             std::function<void(const std::string& instance)> died);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // These are the providers from now on: new ones are due to start, changed ones too, those that are not
  // among them finish, the others are left alone.
  void reconfigure(const config::Config& config);
  // Those of `config` that reconfigure() would start a worker for.
  [[nodiscard]] std::vector<const config::Provider*> changed(const config::Config& config) const;
  // Starts what is due to start, and kills what should have ended long ago. Call it again at next_due() at
  // the latest.
  void run_due();
  [[nodiscard]] Clock::time_point next_due() const;
  // Takes in the ends of processes; call it on SIGCHLD.
  void reap();
  // The instance has told the core that it is ready.
  void worker_ready(const std::string& instance);
  // Kills a worker that gives no sign of life; reap() then starts another.
  void kill_hanging(const std::string& instance);
  // Closes the sockets and waits for the processes, at most `patience`; then kills.
  void stop(std::chrono::milliseconds patience);

 private:
  struct Worker {
    std::string instance;
    Launch launch;
    WorkerProcess process;
    Clock::time_point started;
    bool ready = false;
    std::optional<Clock::time_point> kill_at;  // it has been asked to end: by then it must have
  };
  struct Seat {
    std::optional<Launch> wanted;  // nothing: the provider is not enabled any more
    std::string section;           // "config.toml:12: providers.smtp"
    std::vector<Worker> workers;   // at most one of them is as wanted and not asked to end
    Clock::time_point start_at{};
    std::chrono::milliseconds backoff{0};
    std::string complaint;  // the last one logged
  };
  [[nodiscard]] static Worker* current(Seat& seat);
  // Asks those to end that are not wanted: at once when nobody needs them, else when the wanted one is ready.
  static void end_superseded(Seat& seat);
  void start(const std::string& provider, Seat& seat);
  void ended(const std::string& provider, Seat& seat, const Worker& worker, int status);
  static void wait_before_next_start(Seat& seat, Clock::duration lived);

  const std::string endpoint_;
  const std::filesystem::path program_;
  ops::Metrics& metrics_;
  const std::function<void(const std::string&)> died_;
  std::map<std::string, Seat> seats_;  // by provider; one that is not enabled stays until its workers ended
};

}  // namespace otpgw::broker
