#include "worker/watchdog.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "worker/exit_codes.h"
#include "worker/log.h"

namespace otpgw::worker {
namespace {

constexpr std::chrono::milliseconds kLookInterval{250};

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Watchdog::Watchdog(std::size_t slots, bool armed, std::string why) : why_(std::move(why)), ends_ms_(slots) {
  if (armed) thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Watchdog::Call::Call(Watchdog& watchdog, std::size_t slot, std::chrono::milliseconds limit)
    : end_ms_(watchdog.ends_ms_[slot]) {
  end_ms_.store(now_ms() + limit.count() + kWatchdogGrace.count(), std::memory_order_relaxed);
}

Watchdog::Call::~Call() { end_ms_.store(0, std::memory_order_relaxed); }

void Watchdog::run() {
  ::pthread_setname_np(::pthread_self(), "watchdog");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kLookInterval, [this] { return stopping_; })) {
    const auto now = now_ms();
    const bool hung = std::ranges::any_of(ends_ms_, [now](const auto& end_ms) {
      const auto end = end_ms.load(std::memory_order_relaxed);
      return end != 0 && now > end;
    });
    if (!hung) continue;
    log(LogLevel::error, why_);
    ::_exit(kExitHungCall);  // no destructor: the hanging thread may hold any lock
  }
}

}  // namespace otpgw::worker
