// The core put together: every stage of a request's path in its order, and the life of the daemon around
// them.
//
// Threads: the caller's (signals, worker processes), "loop" (HTTP, pages, OTP service, reads), "store" (the
// one writer), "broker" (ZeroMQ, dispatcher).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/message/setup.h"
#include "core/start_error.h"

namespace otpgw {

class Gateway {
 public:
  // Opens the database, binds the sockets, reads the pages; throws StartError. `prefix` holds bin/,
  // lib/otpgateway/ and share/otpgateway/. `sources`: what the configuration was read from, to read it again.
  // Blocks the signals that run() waits for, so that all threads made from now on inherit that.
  Gateway(std::shared_ptr<const message::Setup> setup, config::Sources sources,
          const std::filesystem::path& prefix);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Serves until SIGTERM or SIGINT, then finishes requests and running sends. SIGHUP reads the configuration
  // again. The process's exit code.
  int run();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace otpgw
