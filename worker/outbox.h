// What the worker's threads have ready for the core, handed to the main thread, which alone owns the socket.
#pragma once

#include <mutex>
#include <vector>

#include "core/wire/messages.h"

namespace otpgw::worker {

// Bounded by what puts into it: each job and each address in hand gives one message.
class Outbox {
 public:
  Outbox();
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Any thread. Wakes the main thread once, however many messages it finds then.
  void put(wire::Message message);
  // Main thread. Swaps all that waits into `messages`, whose old contents are dropped.
  void take(std::vector<wire::Message>& messages);
  // Readable while something waits.
  [[nodiscard]] int descriptor() const { return event_; }

 private:
  const int event_;
  std::mutex mutex_;
  std::vector<wire::Message> waiting_;  // under mutex_
};

}  // namespace otpgw::worker
