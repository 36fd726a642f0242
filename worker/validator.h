// The thread that calls the plug-in's validate, so that checking an address never waits behind a send.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>

#include "core/wire/messages.h"
#include "worker/outbox.h"
#include "worker/plugin_instance.h"
#include "worker/watchdog.h"

namespace otpgw::worker {

class Validator {
 public:
  // Everything outlives the validator. `slot` is its slot of the watchdog.
  Validator(PluginInstance& instance, Outbox& outbox, Watchdog& watchdog, std::size_t slot);
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;

  // Main thread. Each request gives one Address in the outbox; one that finds the queue full is dropped, and
  // the core goes by the descriptor alone after its 500 ms.
  void submit(wire::Validate request);

 private:
  void run(std::size_t slot);

  PluginInstance& instance_;
  Outbox& outbox_;
  Watchdog& watchdog_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<wire::Validate> queue_;  // under mutex_
  bool stopping_ = false;             // under mutex_
  std::thread thread_;
};

}  // namespace otpgw::worker
