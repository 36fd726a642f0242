#include "core/delivery/dispatcher.h"

#include <algorithm>

#include "core/delivery/retry_policy.h"
#include "core/limits/policy.h"
#include "core/message/otp_json.h"
#include "core/ops/log.h"
#include "core/wire/boot_time.h"
#include "otpgw/provider.h"

namespace otpgw::delivery {
namespace {

using otp::DeliveryState;

constexpr int kLeaseMax = 512;  // jobs in one lease: one commit's worth
// Under load, results are stored in batches of what this long brings: each commit is an fsync and some
// wake-ups. A worker holds twice the jobs that it can send at once, so it does not run dry meanwhile.
constexpr std::chrono::milliseconds kGather{1};
constexpr std::chrono::milliseconds kSweepInterval{1000};
constexpr std::chrono::milliseconds kStoreRetry{1000};  // after the store refused a write
constexpr std::size_t kNotEnabledMax = 100;             // providers that the log tells of between two reloads

ops::SendResult counted(wire::ResultCode code) {
  switch (code) {
    case wire::ResultCode::sent:
      return ops::SendResult::sent;
    case wire::ResultCode::retry:
      return ops::SendResult::retry;
    case wire::ResultCode::rejected:
      return ops::SendResult::rejected;
    case wire::ResultCode::unknown:
      return ops::SendResult::unknown;
    case wire::ResultCode::broken:
      return ops::SendResult::broken;
  }
  return ops::SendResult::unknown;
}

ops::DeliveryEnd counted(DeliveryState final_state) {
  switch (final_state) {
    case DeliveryState::sent:
      return ops::DeliveryEnd::sent;
    case DeliveryState::failed:
      return ops::DeliveryEnd::failed;
    case DeliveryState::expired:
      return ops::DeliveryEnd::expired;
    default:
      return ops::DeliveryEnd::unknown;
  }
}

ops::Breaker counted(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return ops::Breaker::closed;
    case Breaker::State::half_open:
      return ops::Breaker::half_open;
    case Breaker::State::open:
      break;
  }
  return ops::Breaker::open;
}

Breaker::Sign sign_of(wire::ResultCode code) {
  switch (code) {
    case wire::ResultCode::sent:
    case wire::ResultCode::rejected:  // of this address, by a provider that works
      return Breaker::Sign::success;
    case wire::ResultCode::retry:
    case wire::ResultCode::unknown:
      return Breaker::Sign::failure;
    case wire::ResultCode::broken:
      break;
  }
  return Breaker::Sign::broken;
}

}  // namespace

Dispatcher::Dispatcher(Parts parts, std::shared_ptr<const message::Setup> setup)
    : parts_(std::move(parts)), setup_(std::move(setup)) {
  learn_threads();
}
Dispatcher::~Dispatcher() = default;

void Dispatcher::attach(broker::Broker& broker) {
  broker_ = &broker;
  broker.loop().after(kSweepInterval, [this] { sweep(); });
}

void Dispatcher::reconfigure(std::shared_ptr<const message::Setup> setup) {
  const auto former = std::exchange(setup_, std::move(setup));
  learn_threads();
  not_enabled_.clear();
  for (const auto& [id, provider] : setup_->config.providers) {  // their workers may have come before them
    if (!former->config.providers.contains(id)) broker_->tell_ready_workers(id);
  }
}

void Dispatcher::learn_threads() {
  for (const auto& [id, provider] : setup_->config.providers)
    lanes_[id].threads = static_cast<std::size_t>(provider.max_conns);
}

void Dispatcher::jobs_queued(const std::string& provider) {
  lanes_[provider].due = true;
  lease(provider);
}

void Dispatcher::worker_ready(const std::string& provider, const wire::Descriptor& descriptor) {
  if (!setup_->config.providers.contains(provider)) {
    if (not_enabled_.size() < kNotEnabledMax && not_enabled_.insert(provider).second)
      ops::log_warning("a worker offers the provider " + provider + ", which is not enabled here");
    return;
  }
  auto& lane = lanes_[provider];
  if (!lane.descriptor || *lane.descriptor != descriptor) {
    lane.descriptor = std::make_shared<wire::Descriptor>(descriptor);
    parts_.store.save_descriptor(provider, descriptor);
  }
  parts_.worker_ready(provider, descriptor);
  jobs_queued(provider);  // from before it came
}

// --- store to worker
// ------------------------------------------------------------------------------------------------

void Dispatcher::lease(const std::string& provider) {
  auto& lane = lanes_[provider];
  if (!lane.due || lane.leasing || draining_ || !lane.descriptor) return;
  if (!setup_->config.providers.contains(provider)) return;
  const int limit = room(provider, lane);
  if (limit <= 0) return;  // the next result makes room, or the end of the breaker's pause
  lane.leasing = true;
  lane.due = false;
  ++storing_;
  parts_.store.lease(provider, limit,
                     [this, provider, limit](std::expected<store::Lease, store::Error> lease) mutable {
                       broker_->post([this, provider, limit, lease = std::move(lease)]() mutable {
                         leased(provider, limit, std::move(lease));
                       });
                     });
}

int Dispatcher::room(const std::string& provider, const Lane& lane) const {
  const int credit = std::min(broker_->credit(provider), kLeaseMax);
  switch (lane.breaker.state(broker_->loop().now())) {
    case Breaker::State::closed:
      return credit;
    case Breaker::State::half_open:
      return lane.in_flight.contains(lane.probe) ? 0 : std::min(credit, 1);
    case Breaker::State::open:
      break;
  }
  return 0;
}

void Dispatcher::leased(const std::string& provider, int asked,
                        std::expected<store::Lease, store::Error> lease_result) {
  --storing_;
  auto& lane = lanes_[provider];
  lane.leasing = false;
  auto& loop = broker_->loop();
  const auto wake_after = [&](std::chrono::milliseconds delay) {
    loop.cancel(lane.next_due_timer);
    lane.next_due_timer = loop.after(delay, [this, provider] { jobs_queued(provider); });
  };
  if (!lease_result) {
    wake_after(kStoreRetry);
    return check_drained();
  }
  for (const auto sending : lease_result->ended) ended({sending, provider});
  if (static_cast<int>(lease_result->jobs.size() + lease_result->ended.size()) >= asked) lane.due = true;
  if (lease_result->next_due_at) {
    wake_after(
        std::chrono::milliseconds{std::max<int64_t>(0, *lease_result->next_due_at - parts_.clock.now())});
  }
  for (auto& job : lease_result->jobs) hand_out(provider, std::move(job));
  lease(provider);
  check_drained();
}

void Dispatcher::hand_out(const std::string& provider, store::LeasedJob job) {
  auto& lane = lanes_[provider];
  const auto enabled = setup_->config.providers.find(provider);
  if (enabled == setup_->config.providers.end())  // switched off while the lease was written
    return settle(job, DeliveryState::queued, {}, "the provider is switched off");
  const auto begun = broker_->loop().now();
  const auto breaker = lane.breaker.state(begun);
  if (breaker == Breaker::State::open) return settle(job, DeliveryState::queued);  // opened meanwhile
  const auto now = parts_.clock.now();
  const auto code = parts_.vault.open(job.otp.name_space, job.otp.id, job.otp.code_sealed);
  if (!code) {
    ops::log_error("a code can't be opened with the key file of this installation; its job fails");
    return settle(job, DeliveryState::failed, {}, "the code can't be opened with this installation's key");
  }
  auto message = setup_->composer.compose(job.otp, *code, *lane.descriptor, parts_.vault, now);
  wire::Job out;
  out.id = job.key;
  out.attempt = job.attempt;
  out.name_space = job.otp.name_space;
  out.otp_id = job.otp.id;
  out.address = job.otp.to_normalised;
  out.code = *code;
  out.subject = std::move(message.subject);
  out.body = std::move(message.body);
  out.text_body = std::move(message.text_body);
  out.locale = job.otp.locale;
  out.extra = job.otp.extra;
  out.otp_json.push_back('{');
  message::append_otp_members(out.otp_json, job.otp, *code, job.otp.ttl_seconds(now));
  out.otp_json.push_back('}');
  const auto left_ms = job.otp.expires_at - now;
  out.expiry_unix_ms = otp::SystemClock().now() + left_ms;
  out.boot_id = wire::boot_id();
  out.expiry_boot_ms = wire::boot_ms() + left_ms;
  out.timeout_ms = static_cast<uint32_t>(enabled->second.timeout.count());
  auto worker = broker_->assign(provider, out);
  if (!worker) return settle(job, DeliveryState::queued, {}, "no worker took it");
  parts_.metrics.send_started(provider);
  auto key = job.key;
  if (breaker == Breaker::State::half_open) lane.probe = key;
  lane.in_flight.insert_or_assign(std::move(key),
                                  InFlight{std::move(job), std::move(*worker), ++last_number_, begun});
}

// --- worker to store
// ------------------------------------------------------------------------------------------------

void Dispatcher::result(const std::string& provider, const wire::Result& result) {
  const auto known = lanes_.find(provider);
  if (known == lanes_.end()) return;  // it never had a job
  auto& lane = known->second;
  const auto found = lane.in_flight.find(result.job_id);
  lane.due = true;  // there is room again; the lease finds out whether there are jobs
  if (found == lane.in_flight.end()) return;
  // An answer to a lease that was given up counts only when it says that the message went out.
  if (found->second.job.attempt != result.attempt && result.code != wire::ResultCode::sent) return;
  const auto job = std::move(found->second.job);
  if (!result.begun) {
    lane.in_flight.erase(found);
    parts_.metrics.send_ended(provider, ops::SendResult::lost);
    return settle(job, DeliveryState::queued, std::chrono::milliseconds{result.retry_after_ms},
                  result.detail);
  }
  note(provider, sign_of(result.code), found->second.begun, result.detail);
  lane.in_flight.erase(found);
  parts_.metrics.send_ended(provider, counted(result.code));
  if (result.code == wire::ResultCode::sent && job.queued_at != 0) {
    const auto took_ms =
        std::max<int64_t>(0, parts_.clock.now() - job.queued_at);  // the clock may have been set
    parts_.metrics.sent_after(provider, std::chrono::milliseconds{took_ms});
  }
  const auto retry = [&] {
    const double jitter = std::uniform_real_distribution<double>(-1, 1)(jitter_);
    const auto pause = result.retry_after_ms > 0 ? std::chrono::milliseconds{result.retry_after_ms}
                                                 : pause_after(job.tries + 1, jitter);
    settle(job, DeliveryState::queued, pause, result.detail, result.upstream_id, true);
  };
  ops::log_debug("job " + job.key + " of " + provider + ": result " +
                 std::to_string(static_cast<int>(result.code)) + " on attempt " +
                 std::to_string(job.attempt));
  switch (result.code) {
    case wire::ResultCode::sent:
      return settle(job, DeliveryState::sent, {}, result.detail, result.upstream_id, true);
    case wire::ResultCode::retry:
      return retry();
    case wire::ResultCode::rejected:
      ops::log_warning(named(job) + " failed: " + result.detail);
      return settle(job, DeliveryState::failed, {}, result.detail, result.upstream_id, true);
    case wire::ResultCode::unknown:
      // Sending again may be a second copy, unless the upstream sorts them out by the job's id.
      if (lane.descriptor->flags & OTPGW_FLAG_IDEMPOTENT) return retry();
      ops::log_warning(named(job) + " is perhaps sent: " + result.detail);
      return settle(job, DeliveryState::unknown, {}, result.detail, result.upstream_id, true);
    case wire::ResultCode::broken:
      return settle(job, DeliveryState::queued, kBrokenPause, result.detail);
  }
}

std::string Dispatcher::named(const store::LeasedJob& job) const {
  return "job " + job.key + " of " + job.otp.provider + " (address tag " +
         limits::address_tag(parts_.vault, job.otp.to_normalised) + ")";
}

void Dispatcher::worker_gone(const std::string& provider, const std::string& worker, broker::Gone how) {
  const auto found = lanes_.find(provider);
  if (found == lanes_.end()) return;  // it never had a job
  auto& lane = found->second;
  std::vector<InFlight> lost;
  for (auto flight = lane.in_flight.begin(); flight != lane.in_flight.end();) {
    const auto next = std::next(flight);
    if (flight->second.worker == worker) {
      lost.push_back(std::move(flight->second));
      lane.in_flight.erase(flight);
    }
    flight = next;
  }
  if (how != broker::Gone::left) {
    const auto now = broker_->loop().now();
    note(provider, Breaker::Sign::failure, now, "its worker died");
  }
  // A worker begins jobs in the order given, one per thread: those behind were only waiting and are not to
  // blame.
  std::ranges::sort(lost, {}, &InFlight::number);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    parts_.metrics.send_ended(provider, ops::SendResult::lost);
    give_back(provider, std::move(lost[i].job), how != broker::Gone::left && i < lane.threads);
  }
}

void Dispatcher::give_back(const std::string& provider, store::LeasedJob job, bool died) {
  if (died && ++job.deaths >= kDeathsMax) {
    ops::log_error("workers of " + provider + " died " + std::to_string(job.deaths) + " times under " +
                   named(job) + "; it fails");
    return settle(job, DeliveryState::failed, {}, "the provider's worker died under this message");
  }
  settle(job, DeliveryState::queued, {}, "the worker was lost");
}

void Dispatcher::note(const std::string& provider, Breaker::Sign sign, Breaker::Clock::time_point begun,
                      const std::string& why) {
  auto& loop = broker_->loop();
  auto& breaker = lanes_[provider].breaker;
  const auto change = breaker.note(sign, begun, loop.now());
  if (change == Breaker::Change::none) return;
  if (change == Breaker::Change::closed) {
    ops::log_warning("provider " + provider + " sends again");
    return parts_.breaker_changed(provider, false);
  }
  const auto pause = breaker.pause();
  const auto seconds = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(pause).count());
  if (change == Breaker::Change::opened) {
    ops::log_error("provider " + provider + " can't send: " + why +
                   "; its messages wait, one tries again in " + seconds + " s");
    parts_.breaker_changed(provider, true);
  } else {
    ops::log_warning("provider " + provider + " still can't send: " + why + "; the next try is in " +
                     seconds + " s");
  }
  loop.after(pause, [this, provider] { jobs_queued(provider); });
}

void Dispatcher::settle(const store::LeasedJob& job, DeliveryState state, std::chrono::milliseconds pause,
                        std::string detail, std::string upstream_id, bool count_try) {
  outcomes_.push_back({.row = job.row,
                       .attempt = job.attempt,
                       .state = state,
                       .due_at = parts_.clock.now() + pause.count(),
                       .tries = job.tries + (count_try ? 1 : 0),
                       .deaths = job.deaths,
                       .detail = setup_->redaction.without_secrets(std::move(detail)),
                       .upstream_id = std::move(upstream_id),
                       .provider = job.otp.provider});
}

void Dispatcher::turn_ended() {
  if (outcomes_.empty() || gathering_) return;
  auto& loop = broker_->loop();
  if (const auto since = loop.now() - stored_at_; since < kGather) {
    gathering_ = true;
    loop.after(kGather, [this] { gathering_ = false; });  // the turn that runs this ends here again
    return;
  }
  stored_at_ = loop.now();
  auto outcomes = std::exchange(outcomes_, {});
  // Only a lease that follows these in the store sees such a job queued again and learns when it is due.
  for (const auto& outcome : outcomes) {
    if (outcome.state == DeliveryState::queued) lanes_[outcome.provider].due = true;
  }
  auto copy = outcomes;
  ++storing_;
  parts_.store.finish(std::move(copy), [this, outcomes = std::move(outcomes)](
                                           std::expected<store::JobEnds, store::Error> ends) mutable {
    broker_->post([this, outcomes = std::move(outcomes), ends = std::move(ends)]() mutable {
      settled(std::move(outcomes), std::move(ends));
    });
  });
  for (const auto& [provider, lane] : lanes_) lease(provider);
}

void Dispatcher::settled(std::vector<store::JobOutcome> outcomes,
                         std::expected<store::JobEnds, store::Error> ends) {
  if (!ends && ends.error() != store::Error::broken) {
    // The results are known only here until the store takes them: keep asking.
    broker_->loop().after(kStoreRetry, [this, outcomes = std::move(outcomes)]() mutable {
      --storing_;
      outcomes_.insert(outcomes_.end(), std::make_move_iterator(outcomes.begin()),
                       std::make_move_iterator(outcomes.end()));
    });
    return;
  }
  --storing_;
  if (!ends) return check_drained();  // the process is about to end
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& end = (*ends)[i];
    auto& outcome = outcomes[i];
    if (otp::is_final(end.state)) parts_.metrics.delivery_ended(outcome.provider, counted(end.state));
    if (!end.ended) continue;
    parts_.sending_ended(
        end.sending, {end.state, outcome.tries, std::move(outcome.detail), std::move(outcome.upstream_id)});
  }
  check_drained();
}

void Dispatcher::ended(const store::EndedJob& job) {
  parts_.metrics.delivery_ended(job.provider, ops::DeliveryEnd::expired);
  if (job.sending != 0) parts_.sending_ended(job.sending, {DeliveryState::expired, 0, {}, {}});
}

void Dispatcher::sweep() {
  parts_.store.sweep([this](std::expected<store::Swept, store::Error> swept) {
    broker_->post([this, swept = std::move(swept)] {
      if (swept) {
        for (const auto& job : swept->ended) ended(job);
      }
      const bool more = swept && swept->more && !draining_;
      broker_->loop().after(more ? std::chrono::milliseconds{0} : kSweepInterval, [this] { sweep(); });
    });
  });
}

std::vector<ops::ProviderNow> Dispatcher::providers() const {
  std::vector<ops::ProviderNow> all;
  for (const auto& [id, provider] : setup_->config.providers) {
    auto& now = all.emplace_back(ops::ProviderNow{.id = id, .workers = broker_->workers(id)});
    const auto lane = lanes_.find(id);
    if (lane == lanes_.end()) continue;
    now.jobs_in_flight = static_cast<int>(lane->second.in_flight.size());
    now.breaker = counted(lane->second.breaker.state(broker_->loop().now()));
  }
  return all;
}

void Dispatcher::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  check_drained();
}

void Dispatcher::check_drained() {
  if (!draining_ || !drained_ || storing_ > 0 || !outcomes_.empty()) return;
  if (std::ranges::any_of(lanes_, [](const auto& lane) { return !lane.second.in_flight.empty(); })) return;
  std::exchange(drained_, nullptr)();
}

}  // namespace otpgw::delivery
