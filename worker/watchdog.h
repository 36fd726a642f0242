// Ends the process when a plug-in's call does not come back: nothing in C or C++ can stop a thread that hangs
// in somebody else's code, and the core leases the worker's jobs again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace otpgw::worker {

inline constexpr std::chrono::milliseconds kWatchdogGrace{
    2000};  // past the deadline; part of the ABI's contract

class Watchdog {
 public:
  // `slots`: calls that may run at once, one per calling thread. Not `armed` (--debug): a debugger holds
  // threads for as long as it likes. `why`: the last line of the log.
  Watchdog(std::size_t slots, bool armed, std::string why);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // For as long as it lives, the call in `slot` must end within `limit` + kWatchdogGrace.
  class Call {
   public:
    Call(Watchdog& watchdog, std::size_t slot, std::chrono::milliseconds limit);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    std::atomic<int64_t>& end_ms_;
  };

 private:
  void run();

  const std::string why_;
  std::vector<std::atomic<int64_t>> ends_ms_;  // on the monotonic clock; 0 = no call
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace otpgw::worker
