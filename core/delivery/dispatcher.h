// Takes send jobs from the store to ready workers and their results back into the store. DESIGN.md beside
// this file has the states and what a crash at each step leaves.
//
// Threads: everything happens on the broker's thread; what other threads have to say is posted there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/broker/broker.h"
#include "core/config/config.h"
#include "core/message/composer.h"
#include "core/ops/metrics.h"
#include "core/otp/code.h"
#include "core/otp/otp.h"
#include "core/store/store.h"

namespace otpgw::delivery {

class Dispatcher final : public broker::BrokerEvents {
 public:
  struct Parts {
    const config::Config& config;
    store::Store& store;
    const message::Composer& composer;
    const otp::CodeVault& vault;
    const otp::Clock& clock;
    ops::Metrics& metrics;
    // Told on the broker's thread.
    std::function<void(const std::string& provider, const wire::Descriptor&)> worker_ready;
    std::function<void(int64_t job, otp::Delivery)> job_ended;
    std::function<void(const std::string& provider)> worker_hangs;
  };
  explicit Dispatcher(Parts parts);
  ~Dispatcher() override;

  // Before anything else: the broker whose events this is.
  void attach(broker::Broker& broker);
  // There are new jobs for the provider.
  void jobs_queued(const std::string& provider);
  // How each enabled provider stands, without its queue: that is the store's.
  [[nodiscard]] std::vector<ops::ProviderNow> providers() const;
  // Leases nothing more; calls `done` when no job is with a worker any more and all results are stored.
  void drain(std::function<void()> done);

  void worker_ready(const std::string& provider, const wire::Descriptor& descriptor) override;
  void result(const std::string& provider, const wire::Result& result) override;
  void worker_gone(const std::string& provider, const std::string& worker, broker::Gone how) override;
  void turn_ended() override;

 private:
  struct InFlight {
    store::LeasedJob job;
    std::string worker;
    uint64_t number = 0;  // in the order handed out
  };
  // What the dispatcher knows of one provider.
  struct Lane {
    std::shared_ptr<const wire::Descriptor> descriptor;
    std::map<std::string, InFlight> in_flight;  // by job key
    bool leasing = false;                       // a lease is being written
    bool due = false;                           // the store may hold due jobs
    bool broken = false;                        // the last result was BROKEN
    http::Loop::TimerId next_due_timer = 0;
  };

  void lease(const std::string& provider);
  void leased(const std::string& provider, int asked, std::expected<store::Lease, store::Error> lease);
  void hand_out(const std::string& provider, store::LeasedJob job);
  void settle(const store::LeasedJob& job, otp::DeliveryState state, std::chrono::milliseconds pause,
              std::string detail, std::string upstream_id = {}, bool count_try = false);
  void ended(const store::EndedJob& job);
  void settled(std::vector<store::JobOutcome> outcomes, std::expected<store::JobStates, store::Error> states);
  void give_back(const std::string& provider, store::LeasedJob job, bool died);
  void sweep();
  void check_drained();

  Parts parts_;
  broker::Broker* broker_ = nullptr;
  std::map<std::string, Lane> lanes_;
  std::vector<store::JobOutcome> outcomes_;  // of this turn, to be stored together
  http::Loop::Clock::time_point stored_at_{};
  bool gathering_ = false;  // outcomes_ waits for more
  int storing_ = 0;         // batches of outcomes (stored or parked) and leases under way
  uint64_t last_number_ = 0;
  bool draining_ = false;
  std::function<void()> drained_;
  std::minstd_rand jitter_{std::random_device{}()};
};

}  // namespace otpgw::delivery
