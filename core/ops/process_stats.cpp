#include "core/ops/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace otpgw::ops {
namespace {

// Clock ticks from boot to this process's start: field 22 of /proc/self/stat, the 20th behind the name, which
// may hold anything but ends with the last ')'.
double start_seconds_since_boot() {
  std::string stat;
  std::getline(std::ifstream("/proc/self/stat"), stat);
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;
  return field.empty() ? 0 : std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Taken once: the wall clock may be set later, the start stays when it was.
double start_unix_seconds() {
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  return now.count() - uptime + start_seconds_since_boot();
}

int64_t resident_bytes() {
  int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator entries("/proc/self/fd", error);
  // The listing itself has one open.
  return error ? 0 : static_cast<int>(std::distance(begin(entries), end(entries))) - 1;
}

}  // namespace

ProcessStats process_stats() {
  static const double started = start_unix_seconds();
  ProcessStats stats{.resident_bytes = resident_bytes(),
                     .open_descriptors = open_descriptors(),
                     .start_unix_seconds = started};
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    stats.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.descriptors_max = limit.rlim_cur;
  return stats;
}

}  // namespace otpgw::ops
