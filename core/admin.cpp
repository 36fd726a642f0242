#include "core/admin.h"

#include <Poco/Exception.h>
#include <Poco/String.h>
#include <systemd/sd-daemon.h>

#include <algorithm>

#include "core/api/admin_routes.h"
#include "core/front_rules.h"
#include "core/gateway.h"
#include "core/ops/log.h"
#include "core/ops/readiness.h"

namespace otpgw {
namespace {

constexpr std::size_t kConnectionsMax = 64;
constexpr std::chrono::seconds kShowStatusEvery{5};
constexpr std::chrono::seconds kWorkersComeWithin{5};  // their units start beside the gateway's

}  // namespace

void Admin::listen(const config::Admin& config) {
  if (!config.enabled) return;
  api::add_admin_routes(router_, parts_.metrics, [this](auto done) { look(std::move(done)); });
  http::FrontLimits limits;
  limits.connections = kConnectionsMax;
  try {
    front_ = std::make_unique<http::Front>(parts_.loop, config.host, config.port, limits,
                                           [this](const http::Request& request, http::Reply reply) {
                                             router_.dispatch(request, std::move(reply));
                                           });
  } catch (const Poco::Exception& error) {
    const auto line = listen_error("admin.address", config.host, config.port, error);
    if (config.configured) throw StartError{line, true};
    ops::log_warning(line + "; going on without metrics");
  }
}

void Admin::show_status() {
  look([this](const ops::Snapshot& now) {
    const auto troubles = ops::troubles(now);
    auto status = troubles.empty() ? std::string("Ready.")
                                   : Poco::cat(std::string(" "), troubles.begin(), troubles.end());
    if (status != shown_) sd_notify(0, ("STATUS=" + status).c_str());
    shown_ = std::move(status);
    parts_.loop.after(kShowStatusEvery, [this] { show_status(); });
  });
}

void Admin::warn_of_missing_workers() {
  parts_.loop.after(kWorkersComeWithin, [this] {
    look([](const ops::Snapshot& now) {
      for (const auto& provider : now.providers) {
        if (provider.workers > 0) continue;
        ops::log_warning("the provider " + provider.id +
                         " has no worker, so its messages wait; start its unit: " +
                         "systemctl start otpgateway-worker@" + provider.id);
      }
    });
  });
}

void Admin::look(std::move_only_function<void(const ops::Snapshot&)> done) {
  parts_.broker.post([this, done = std::move(done)]() mutable {
    parts_.loop.post([this, done = std::move(done), providers = parts_.dispatcher.providers()]() mutable {
      done(snapshot(std::move(providers)));
    });
  });
}

ops::Snapshot Admin::snapshot(std::vector<ops::ProviderNow> providers) {
  const auto store = parts_.store.state();
  const auto now = parts_.clock.now();
  for (auto& provider : providers) {
    const auto queue = parts_.store.queue(provider.id).value_or(store::Queue{});
    provider.jobs_queued = queue.jobs;
    provider.oldest_due_ms = std::max<int64_t>(0, now - queue.first_due_at.value_or(now));
  }
  return {.stopping = stopping_,
          .connections = parts_.front.connections(),
          .store = {.writable = store.writable,
                    .takes_new_otps = store.takes_new_otps,
                    .free_bytes = store.free_bytes,
                    .wal_bytes = store.log_bytes},
          .providers = std::move(providers)};
}

}  // namespace otpgw
