// The threads that call the plug-in's send, and their queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/wire/messages.h"
#include "worker/outbox.h"
#include "worker/plugin_instance.h"
#include "worker/watchdog.h"

namespace otpgw::worker {

class SenderPool {
 public:
  // One thread for each entry of `instances`; a provider flagged thread-safe stands in it several times.
  // Thread i uses the watchdog's slot i. Everything outlives the pool. Throws std::runtime_error when there
  // is no room for so many threads.
  SenderPool(std::vector<PluginInstance*> instances, std::size_t queue_max, Outbox& outbox,
             Watchdog& watchdog);
  // Waits for the running calls.
  ~SenderPool();
  SenderPool(const SenderPool&) = delete;
  SenderPool& operator=(const SenderPool&) = delete;

  // Main thread. Moves the jobs into the queue as far as it has room and leaves the others in `jobs`. Each
  // job taken gives one Result in the outbox.
  void submit(std::vector<wire::Job>& jobs);

  // Main thread. Empties the queue: the jobs that no thread had taken yet, which give no Result.
  [[nodiscard]] std::vector<wire::Job> withdraw();

 private:
  void run(std::size_t slot);
  void stop();
  [[nodiscard]] wire::Result send(wire::Job job, std::size_t slot);

  const std::vector<PluginInstance*> instances_;
  const std::size_t queue_max_;
  Outbox& outbox_;
  Watchdog& watchdog_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<wire::Job> queue_;  // under mutex_
  bool stopping_ = false;        // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace otpgw::worker
