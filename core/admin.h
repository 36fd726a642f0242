// The admin address: its listener, and the look around the stages that its answers are made of.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/broker/broker.h"
#include "core/config/config.h"
#include "core/delivery/dispatcher.h"
#include "core/http/front.h"
#include "core/http/loop.h"
#include "core/http/router.h"
#include "core/ops/metrics.h"
#include "core/ops/snapshot.h"
#include "core/otp/otp.h"
#include "core/store/store.h"

namespace otpgw {

class Admin {
 public:
  // All of it must work for as long as the loop runs.
  struct Parts {
    http::Loop& loop;
    broker::Broker& broker;
    const http::Front& front;
    const delivery::Dispatcher& dispatcher;
    store::Store& store;
    const otp::Clock& clock;
    ops::Metrics& metrics;
  };
  explicit Admin(const Parts& parts) : parts_(parts) {}

  // Before the loop runs. Listens, unless that is switched off. An address that can't be had throws
  // StartError when it was configured; the default one is gone without, after a warning.
  void listen(const config::Admin& config);

  // Loop's thread, from here on. Tells the service manager what is wrong, now and whenever that changes.
  void show_status();
  // For workers that somebody else starts: names in the log the providers that still have none in a few
  // seconds.
  void warn_of_missing_workers();
  // Not ready any more.
  void stopping() { stopping_ = true; }

 private:
  // What the broker's thread knows, then what the loop's does; `done` is called there.
  void look(std::move_only_function<void(const ops::Snapshot&)> done);
  [[nodiscard]] ops::Snapshot snapshot(std::vector<ops::ProviderNow> providers);

  Parts parts_;
  http::Router router_;
  std::unique_ptr<http::Front> front_;
  bool stopping_ = false;
  std::string shown_;
};

}  // namespace otpgw
