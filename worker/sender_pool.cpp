#include "worker/sender_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "core/wire/boot_time.h"

namespace otpgw::worker {
namespace {

int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

SenderPool::SenderPool(std::vector<PluginInstance*> instances, std::size_t queue_max, Outbox& outbox,
                       Watchdog& watchdog)
    : instances_(std::move(instances)), queue_max_(queue_max), outbox_(outbox), watchdog_(watchdog) {
  threads_.reserve(instances_.size());
  try {
    for (std::size_t slot = 0; slot < instances_.size(); ++slot)
      threads_.emplace_back([this, slot] { run(slot); });
  } catch (const std::system_error& e) {
    stop();
    throw std::runtime_error("max_conns: there is no room for " + std::to_string(instances_.size()) +
                             " threads, raise this process's limits of tasks and memory: " + e.what());
  }
}

SenderPool::~SenderPool() { stop(); }

void SenderPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void SenderPool::submit(std::vector<wire::Job>& jobs) {
  std::size_t taken = 0;
  {
    const std::lock_guard lock(mutex_);
    taken = std::min(jobs.size(), queue_max_ - std::min(queue_max_, queue_.size()));
    std::move(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(taken), std::back_inserter(queue_));
  }
  jobs.erase(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(taken));
  for (std::size_t i = 0; i < taken; ++i) changed_.notify_one();
}

std::vector<wire::Job> SenderPool::withdraw() {
  const std::lock_guard lock(mutex_);
  std::vector<wire::Job> jobs(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_.clear();
  return jobs;
}

void SenderPool::run(std::size_t slot) {
  ::pthread_setname_np(::pthread_self(), ("send-" + std::to_string(slot)).c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    outbox_.put(send(std::move(job), slot));
    lock.lock();
  }
}

wire::Result SenderPool::send(wire::Job job, std::size_t slot) {
  const auto now = unix_ms();
  // A plug-in knows wall time alone: the expiry as our wall clock stands now.
  if (!job.boot_id.empty() && job.boot_id == wire::boot_id())
    job.expiry_unix_ms = now + job.expiry_boot_ms - wire::boot_ms();
  const auto left_ms = std::min<int64_t>(job.timeout_ms, job.expiry_unix_ms - now);
  if (left_ms <= 0)  // the code is worth nothing any more; ending the job is the core's to do
    return {.job_id = job.id,
            .attempt = job.attempt,
            .code = wire::ResultCode::retry,
            .retry_after_ms = wire::kNotBegunPauseMs,  // on another machine, whose clock may be wrong
            .upstream_id = {},
            .detail = "expired before the call",
            .begun = false};
  const Watchdog::Call call(watchdog_, slot, std::chrono::milliseconds(left_ms));
  return instances_[slot]->send(job, now + left_ms);
}

}  // namespace otpgw::worker
