#include "core/broker/plugin_check.h"

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <system_error>
#include <thread>

#include "core/broker/worker_process.h"

namespace otpgw::broker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{9};  // a worker's own watchdog takes 10 s and says less

// Waits for the end of a check. The complaint, without the section; empty when there is none.
std::string complaint_of(const WorkerProcess& process, Clock::time_point until) {
  int status = 0;
  bool killed = false;
  while (::waitpid(process.pid(), &status, WNOHANG) == 0) {
    if (Clock::now() >= until) {
      ::kill(process.pid(), SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  if (killed) return "hung for " + std::to_string(kPatience.count()) + " s";
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::vector<std::string> check_plugins(const std::filesystem::path& worker,
                                       const std::vector<const config::Provider*>& providers) {
  struct Check {
    const config::Provider* provider;
    std::string section;
    WorkerProcess process;
  };
  std::vector<std::string> complaints;
  std::vector<Check> checks;
  for (const auto* provider : providers) {
    const WorkerProcess::Place place{
        .endpoint = {}, .provider = provider->id, .section = section_of(*provider), .instance = {}};
    try {
      checks.push_back(
          {provider, place.section, {worker, WorkerProcess::Task::check, place, Launch(*provider)}});
    } catch (const std::system_error& error) {
      complaints.push_back(place.section + ": can't be checked: " + error.what());
    }
  }
  const auto until = Clock::now() + kPatience;
  for (const auto& check : checks) {
    const auto how = complaint_of(check.process, until);
    if (how.empty()) continue;
    const auto said = check.process.complaint();
    complaints.push_back(!said.empty() ? said
                                       : check.section + ": " + check.provider->plugin.string() + " " + how +
                                             " when it was tried with these settings");
  }
  return complaints;
}

}  // namespace otpgw::broker
