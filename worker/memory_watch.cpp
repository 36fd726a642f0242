#include "worker/memory_watch.h"

#include <unistd.h>

#include <fstream>

namespace otpgw::worker {
namespace {

constexpr std::chrono::seconds kLookInterval{1};
constexpr int kOomScore = 500;  // of -1000 to 1000; raising one's own needs no rights

}  // namespace

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");  // in pages: size, resident, ...
  std::size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

MemoryWatch::MemoryWatch() {
  std::ofstream("/proc/self/oom_score_adj") << kOomScore;  // where that can't be, nothing is lost
}

bool MemoryWatch::is_exceeded(Clock::time_point now) {
  if (now < next_look_) return false;
  next_look_ = now + kLookInterval;
  return resident_bytes() > kMemoryBytesMax;
}

}  // namespace otpgw::worker
