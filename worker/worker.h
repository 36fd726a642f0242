// The worker's main loop: takes jobs and addresses from the core, gives them to the threads, and hands their
// results back, until it is drained.
#pragma once

#include <zmq.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/wire/messages.h"
#include "worker/core_link.h"
#include "worker/job_ledger.h"
#include "worker/memory_watch.h"
#include "worker/outbox.h"
#include "worker/plugin_instance.h"
#include "worker/sender_pool.h"
#include "worker/settings.h"
#include "worker/validator.h"
#include "worker/watchdog.h"

namespace otpgw::worker {

// The instances that one provider's threads need.
struct Instances {
  std::vector<PluginInstance> made;   // owns them
  std::vector<PluginInstance*> send;  // one per sending thread; all the same for a thread-safe provider
  PluginInstance* validate = nullptr;
};

// Where the outside world reaches the loop. -1: not at all.
struct Controls {
  int drain_signal = -1;  // a signalfd; any signal drains
  int parent_pipe = -1;   // its end means that the core is gone
};

class Worker {
 public:
  // Connects to the core. Throws zmq::error_t on an endpoint that can't be. Everything outlives the worker.
  Worker(const Settings& settings, const wire::Descriptor& descriptor, Instances& instances,
         const Controls& controls, bool debug);

  enum class End {
    drained,   // what was under way is answered
    full,      // likewise; this process has grown too large
    orphaned,  // the core is gone; calls may still be running: leave without destructors
  };
  [[nodiscard]] End run();

 private:
  [[nodiscard]] std::array<zmq_pollitem_t, 5> wait();
  void receive();
  void take(wire::Job job);
  void answer(wire::Result result);
  void hand_over_jobs();
  void hand_back_results();
  void drain(const char* why);
  // The answer for a job that this worker ends without calling.
  [[nodiscard]] static wire::Result not_begun(const std::string& job_id, uint32_t attempt);

  const Controls controls_;
  bool draining_ = false;
  bool full_ = false;
  MemoryWatch memory_;
  JobLedger ledger_;
  std::vector<wire::Job> batch_;             // jobs of this turn
  std::vector<wire::Message> from_threads_;  // kept for its memory
  CoreLink link_;
  Outbox outbox_;
  Watchdog watchdog_;
  SenderPool senders_;
  Validator validator_;
};

}  // namespace otpgw::worker
