// The worker's socket to the core: says READY on each connection, keeps the heartbeat, and starts afresh with
// a new socket when the core has gone silent.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "core/wire/messages.h"

namespace otpgw::worker {

// Owned by the main thread.
class CoreLink {
 public:
  using Clock = std::chrono::steady_clock;

  // Connects in the background. Throws zmq::error_t on an endpoint that can't be.
  CoreLink(std::string endpoint, wire::Ready ready);

  // The next message, nothing when the socket is empty. Heartbeats and malformed messages are dealt with
  // here.
  [[nodiscard]] std::optional<wire::Message> receive();

  // Never blocks. A message that finds the socket full is lost: the core leases its job again.
  void send(const wire::Message& message);

  // To be called when connection_handle() is readable: the socket has a new connection, and a core that
  // restarted does not know this worker.
  void greet();
  // Tells the core that this worker takes no more jobs: READY with no capacity.
  void take_no_more();
  // Sends the PING that is due. After kHeartbeatsMissedMax silent intervals, opens a new socket: the core may
  // have given this worker up while the connection lived.
  void tick(Clock::time_point now);
  // When tick() has something to do next.
  [[nodiscard]] Clock::time_point next_tick() const { return next_ping_; }

  // To poll for reading, before receive() and greet(); others after each tick().
  [[nodiscard]] void* handle() { return socket_.handle(); }
  [[nodiscard]] void* connection_handle() { return monitor_.handle(); }

 private:
  void open(Clock::time_point now);

  const std::string endpoint_;
  wire::Ready ready_;
  zmq::context_t context_{1};
  zmq::socket_t socket_, monitor_;
  int opened_ = 0;  // sockets so far
  Clock::time_point next_ping_, last_heard_;
  bool heard_ = false;      // from the core, on this socket
  bool malformed_ = false;  // already logged
};

}  // namespace otpgw::worker
