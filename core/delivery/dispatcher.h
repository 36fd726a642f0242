// Takes send jobs from the store to ready workers and their results back into the store. DESIGN.md beside
// this file has the states and what a crash at each step leaves.
//
// Threads: everything happens on the broker's thread; what other threads have to say is posted there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/broker/broker.h"
#include "core/delivery/breaker.h"
#include "core/message/setup.h"
#include "core/ops/metrics.h"
#include "core/otp/code.h"
#include "core/otp/otp.h"
#include "core/store/store.h"

namespace otpgw::delivery {

class Dispatcher final : public broker::BrokerEvents {
 public:
  struct Parts {
    store::Store& store;
    const otp::CodeVault& vault;
    const otp::Clock& clock;
    ops::Metrics& metrics;
    // Told on the broker's thread.
    std::function<void(const std::string& provider, const wire::Descriptor&)> worker_ready;
    std::function<void(int64_t sending, otp::Delivery)> sending_ended;  // store::Written::sending
    // The provider's breaker has opened, or closed again.
    std::function<void(const std::string& provider, bool open)> breaker_changed;
  };
  Dispatcher(Parts parts, std::shared_ptr<const message::Setup> setup);
  ~Dispatcher() override;

  // Before anything else: the broker whose events this is.
  void attach(broker::Broker& broker);
  // Jobs are leased by this from now on. Those of a provider that is not enabled any more stay queued until
  // it is again or their code expires; what its workers have in hand, they end.
  void reconfigure(std::shared_ptr<const message::Setup> setup);
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
    Breaker::Clock::time_point begun;
  };
  // What the dispatcher knows of one provider.
  struct Lane {
    std::shared_ptr<const wire::Descriptor> descriptor;
    std::map<std::string, InFlight> in_flight;  // by job key
    std::size_t threads = 0;                    // of a worker; kept when the provider is switched off
    bool leasing = false;                       // a lease is being written
    bool due = false;                           // the store may hold due jobs
    Breaker breaker;
    std::string probe;  // key of the job that tries a half-open breaker; perhaps ended
    http::Loop::TimerId next_due_timer = 0;
  };

  void learn_threads();
  void lease(const std::string& provider);
  // Jobs that may be handed out now: the workers' credit, as far as the breaker lets it through.
  [[nodiscard]] int room(const std::string& provider, const Lane& lane) const;
  void leased(const std::string& provider, int asked, std::expected<store::Lease, store::Error> lease);
  void hand_out(const std::string& provider, store::LeasedJob job);
  void settle(const store::LeasedJob& job, otp::DeliveryState state, std::chrono::milliseconds pause = {},
              std::string detail = {}, std::string upstream_id = {}, bool count_try = false);
  void ended(const store::EndedJob& job);
  void settled(std::vector<store::JobOutcome> outcomes, std::expected<store::JobEnds, store::Error> ends);
  // For the log.
  [[nodiscard]] std::string named(const store::LeasedJob& job) const;
  void give_back(const std::string& provider, store::LeasedJob job, bool died);
  // Tells the breaker, and whoever wants to know what it makes of it. `why` is for the log.
  void note(const std::string& provider, Breaker::Sign sign, Breaker::Clock::time_point begun,
            const std::string& why);
  void sweep();
  void check_drained();

  Parts parts_;
  std::shared_ptr<const message::Setup> setup_;
  broker::Broker* broker_ = nullptr;
  std::map<std::string, Lane> lanes_;
  std::set<std::string> not_enabled_;        // offered by workers, and the log has told of it
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
