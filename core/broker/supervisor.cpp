#include "core/broker/supervisor.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "core/ops/log.h"
#include "core/otp/code.h"

namespace otpgw::broker {
namespace {

constexpr std::chrono::milliseconds kBackoffMin{100}, kBackoffMax{30'000};
constexpr std::chrono::seconds kStable{60};  // a worker that lived so long starts again without delay
// A worker that was asked to end may use up its call's deadline; its watchdog acts 2 s later.
constexpr std::chrono::seconds kLeaveGrace{10};
constexpr std::size_t kInstanceBytes = 16;

constexpr int kExitMemoryFull = 5;  // of a worker that drained because it had grown too large

// It has finished what it had in hand and said BYE.
bool ended_well(int status) {
  return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kExitMemoryFull);
}

std::string how_it_ended(int status) {
  return WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                             : "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Supervisor::Supervisor(std::string endpoint, std::filesystem::path worker, ops::Metrics& metrics,
                       std::function<void(const std::string&)> died)
    : endpoint_(std::move(endpoint)),
      program_(std::move(worker)),
      metrics_(metrics),
      died_(std::move(died)) {}

Supervisor::~Supervisor() { stop(std::chrono::milliseconds{0}); }

void Supervisor::reconfigure(const config::Config& config) {
  for (auto& [provider, seat] : seats_) {
    if (config.providers.contains(provider)) continue;
    if (seat.wanted) ops::log_info(provider + " is switched off: its worker finishes and ends");
    seat.wanted.reset();
    end_superseded(seat);
  }
  for (const auto& [id, provider] : config.providers) {
    auto& seat = seats_[id];
    seat.section = section_of(provider);
    Launch wanted(provider);
    if (seat.wanted == wanted) continue;
    if (seat.wanted) ops::log_info(id + " has changed: a new worker takes the place of the one that runs");
    seat.wanted = std::move(wanted);
    seat.start_at = {};
    seat.backoff = {};
    seat.complaint.clear();
    end_superseded(seat);
  }
}

std::vector<const config::Provider*> Supervisor::changed(const config::Config& config) const {
  std::vector<const config::Provider*> changed;
  for (const auto& [id, provider] : config.providers) {
    const auto seat = seats_.find(id);
    if (seat == seats_.end() || seat->second.wanted != Launch(provider)) changed.push_back(&provider);
  }
  return changed;
}

Supervisor::Worker* Supervisor::current(Seat& seat) {
  const auto found = std::ranges::find_if(
      seat.workers, [&](const Worker& worker) { return !worker.kill_at && worker.launch == seat.wanted; });
  return found == seat.workers.end() ? nullptr : &*found;
}

void Supervisor::end_superseded(Seat& seat) {
  const auto* const wanted = current(seat);
  for (auto& worker : seat.workers) {
    const bool needed = seat.wanted && worker.ready && !(wanted && wanted->ready);
    if (&worker == wanted || worker.kill_at || needed) continue;
    ::kill(worker.process.pid(), SIGTERM);
    worker.kill_at = Clock::now() + worker.launch.timeout + kLeaveGrace;
  }
}

void Supervisor::run_due() {
  const auto now = Clock::now();
  for (auto& [provider, seat] : seats_) {
    if (seat.wanted && !current(seat) && seat.start_at <= now) start(provider, seat);
    for (auto& worker : seat.workers) {
      if (!worker.kill_at || *worker.kill_at > now) continue;
      ops::log_error("the former worker of " + provider + " does not end; killing it");
      ::kill(worker.process.pid(), SIGKILL);
      worker.kill_at = now + kLeaveGrace;
    }
  }
}

Supervisor::Clock::time_point Supervisor::next_due() const {
  auto next = Clock::now() + std::chrono::hours{1};
  for (const auto& [provider, seat] : seats_) {
    const auto is_current = [&](const Worker& worker) {
      return !worker.kill_at && worker.launch == seat.wanted;
    };
    if (seat.wanted && std::ranges::none_of(seat.workers, is_current)) next = std::min(next, seat.start_at);
    for (const auto& worker : seat.workers) next = std::min(next, worker.kill_at.value_or(next));
  }
  return next;
}

void Supervisor::start(const std::string& provider, Seat& seat) {
  seat.wanted->look_again();
  const WorkerProcess::Place place{.endpoint = endpoint_,
                                   .provider = provider,
                                   .section = seat.section,
                                   .instance = otp::random_hex(kInstanceBytes)};
  if (seat.backoff.count() > 0) metrics_.worker_restarted(provider);
  try {
    seat.workers.push_back({.instance = place.instance,
                            .launch = *seat.wanted,
                            .process = {program_, WorkerProcess::Task::serve, place, *seat.wanted},
                            .started = Clock::now(),
                            .kill_at = {}});
  } catch (const std::system_error& error) {
    ops::log_error("can't start the worker of " + provider + ": " + error.what());
    wait_before_next_start(seat, {});
  }
}

void Supervisor::wait_before_next_start(Seat& seat, Clock::duration lived) {
  seat.backoff = lived > kStable ? kBackoffMin : std::clamp(seat.backoff * 2, kBackoffMin, kBackoffMax);
  seat.start_at = Clock::now() + seat.backoff;
}

void Supervisor::worker_ready(const std::string& instance) {
  for (auto& [provider, seat] : seats_) {
    for (auto& worker : seat.workers) {
      if (worker.instance != instance) continue;
      worker.ready = true;
      if (&worker == current(seat)) seat.complaint.clear();
      return end_superseded(seat);
    }
  }
}

void Supervisor::kill_hanging(const std::string& instance) {
  for (const auto& [provider, seat] : seats_) {
    for (const auto& worker : seat.workers) {
      if (worker.instance != instance) continue;
      ops::log_error("the worker of " + provider + " hangs; killing it");
      ::kill(worker.process.pid(), SIGKILL);
    }
  }
}

void Supervisor::reap() {
  for (auto seat = seats_.begin(); seat != seats_.end();) {
    auto& workers = seat->second.workers;
    for (std::size_t i = 0; i < workers.size();) {
      int status = 0;
      if (::waitpid(workers[i].process.pid(), &status, WNOHANG) != workers[i].process.pid()) {
        ++i;
        continue;
      }
      const auto worker = std::move(workers[i]);
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
      ended(seat->first, seat->second, worker, status);
    }
    seat = !seat->second.wanted && workers.empty() ? seats_.erase(seat) : std::next(seat);
  }
}

void Supervisor::ended(const std::string& provider, Seat& seat, const Worker& worker, int status) {
  // One that ended well has said BYE, and perhaps its last result is still on its way to the broker.
  if (!ended_well(status)) died_(worker.instance);
  if (worker.kill_at) return ops::log_info("the former worker of " + provider + " " + how_it_ended(status));
  metrics_.worker_exited(provider, WIFSIGNALED(status));
  if (worker.launch != seat.wanted)  // its successor is not ready yet
    return ops::log_warning("the former worker of " + provider + " " + how_it_ended(status));
  wait_before_next_start(seat, Clock::now() - worker.started);
  auto why = worker.process.complaint();
  if (why.empty()) why = "the worker of " + provider + " " + how_it_ended(status);
  // One that never gets ready is started again and again; its complaint is told once.
  if (!worker.ready && why == seat.complaint) return;
  seat.complaint = why;
  ops::log_warning(why + "; next start in " + std::to_string(seat.backoff.count()) + " ms" +
                   (worker.ready ? "" : ", and so on"));
}

void Supervisor::stop(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  for (auto& [provider, seat] : seats_) {
    for (auto& worker : seat.workers) worker.process.hang_up();
  }
  for (const auto& [provider, seat] : seats_) {
    for (const auto& worker : seat.workers) {
      const auto pid = worker.process.pid();
      while (::waitpid(pid, nullptr, WNOHANG) == 0) {
        if (Clock::now() >= until) ::kill(pid, SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
      }
    }
  }
  seats_.clear();
}

}  // namespace otpgw::broker
