#include "worker/validator.h"

#include <pthread.h>

#include <utility>

namespace otpgw::worker {
namespace {

constexpr std::size_t kQueueMax = 4096;
constexpr std::chrono::milliseconds kCallMax{500};  // the core waits no longer for the answer

}  // namespace

Validator::Validator(PluginInstance& instance, Outbox& outbox, Watchdog& watchdog, std::size_t slot)
    : instance_(instance), outbox_(outbox), watchdog_(watchdog), thread_([this, slot] { run(slot); }) {}

Validator::~Validator() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Validator::submit(wire::Validate request) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kQueueMax) return;
    queue_.push_back(std::move(request));
  }
  changed_.notify_one();
}

void Validator::run(std::size_t slot) {
  ::pthread_setname_np(::pthread_self(), "validate");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto request = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    {
      const Watchdog::Call call(watchdog_, slot, kCallMax);
      outbox_.put(instance_.validate(request));
    }
    lock.lock();
  }
}

}  // namespace otpgw::worker
