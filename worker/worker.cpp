#include "worker/worker.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "otpgw/provider.h"
#include "worker/log.h"

namespace otpgw::worker {
namespace {

// Twice the threads: a thread that ends a call finds its next job here instead of waiting for a round trip.
constexpr uint32_t kJobsPerThread = 2;
// A core that restarted grants its credit anew while the jobs of its former life still run.
constexpr std::size_t kQueuedCreditsMax = 2;
// Messages taken from the socket before results get their turn.
constexpr int kReceiveBatchMax = 1024;

uint32_t capacity_of(const Instances& instances) {
  return static_cast<uint32_t>(instances.send.size()) * kJobsPerThread;
}

std::string random_instance_name() {
  std::random_device random;
  std::string name;
  while (name.size() < 32) name += "0123456789abcdef"[random() % 16];
  return name;
}

wire::Ready ready(const Settings& settings, const wire::Descriptor& descriptor, uint32_t capacity) {
  return {.provider = settings.provider,
          .descriptor = descriptor,
          .capacity = capacity,
          .instance = settings.instance.empty() ? random_instance_name() : settings.instance};
}

}  // namespace

Worker::Worker(const Settings& settings, const wire::Descriptor& descriptor, Instances& instances,
               const Controls& controls, bool debug)
    : controls_(controls),
      ledger_((descriptor.flags & OTPGW_FLAG_IDEMPOTENT) != 0),
      link_(settings.endpoint, ready(settings, descriptor, capacity_of(instances))),
      watchdog_(instances.send.size() + 1, !debug,
                "a call into the plug-in did not return 2 s after its deadline; ending this process"),
      senders_(instances.send, capacity_of(instances) * kQueuedCreditsMax, outbox_, watchdog_),
      validator_(*instances.validate, outbox_, watchdog_, instances.send.size()) {}

Worker::End Worker::run() {
  while (!draining_ || ledger_.in_hand() > 0) {
    const auto ready = wait();
    if (ready[3].revents != 0) {
      char ignored[256];
      if (::read(controls_.parent_pipe, ignored, sizeof ignored) <= 0) {
        log(LogLevel::info, "the core is gone; ending");
        return End::orphaned;
      }
    }
    if (ready[2].revents != 0) drain("asked by a signal");
    if (ready[4].revents != 0) link_.greet();
    if (ready[0].revents != 0) receive();
    if (ready[1].revents != 0) hand_back_results();
    const auto now = CoreLink::Clock::now();
    if (!full_ && memory_.is_exceeded(now)) {
      full_ = true;
      drain("this process has grown beyond 512 MiB; the plug-in leaks memory");
    }
    link_.tick(now);
  }
  link_.send(wire::Bye{});
  log(LogLevel::info, "drained");
  return full_ ? End::full : End::drained;
}

std::array<zmq_pollitem_t, 5> Worker::wait() {
  const auto item = [](void* socket, int descriptor) {
    return zmq_pollitem_t{socket, descriptor, ZMQ_POLLIN, 0};
  };
  // zmq_poll skips no negative descriptor, so an absent one stands for the outbox once more.
  const auto or_outbox = [this](int descriptor) {
    return descriptor >= 0 ? descriptor : outbox_.descriptor();
  };
  const int drain_signal = draining_ ? -1 : controls_.drain_signal;  // it stays readable
  std::array<zmq_pollitem_t, 5> items{
      item(link_.handle(), -1), item(nullptr, outbox_.descriptor()), item(nullptr, or_outbox(drain_signal)),
      item(nullptr, or_outbox(controls_.parent_pipe)), item(link_.connection_handle(), -1)};
  using namespace std::chrono;
  const auto left = ceil<milliseconds>(link_.next_tick() - CoreLink::Clock::now());
  if (::zmq_poll(items.data(), static_cast<int>(items.size()), std::max<long>(left.count(), 0)) < 0 &&
      zmq_errno() != EINTR)
    throw zmq::error_t();
  if (drain_signal < 0) items[2].revents = 0;
  if (controls_.parent_pipe < 0) items[3].revents = 0;
  return items;
}

void Worker::receive() {
  for (int i = 0; i < kReceiveBatchMax; ++i) {
    auto message = link_.receive();
    if (!message) break;
    if (auto* job = std::get_if<wire::Job>(&*message)) {
      take(std::move(*job));
    } else if (auto* request = std::get_if<wire::Validate>(&*message)) {
      validator_.submit(std::move(*request));
    } else if (std::holds_alternative<wire::Drain>(*message)) {
      drain("asked by the core");
    }  // the others are a worker's to say
  }
  hand_over_jobs();
}

void Worker::take(wire::Job job) {
  auto admission = ledger_.admit(job);
  if (std::holds_alternative<JobLedger::Start>(admission)) {
    if (draining_) return answer(not_begun(job.id, job.attempt));
    batch_.push_back(std::move(job));
  } else if (auto* known = std::get_if<wire::Result>(&admission)) {
    link_.send(std::move(*known));
  }
}

wire::Result Worker::not_begun(const std::string& job_id, uint32_t attempt) {
  return {.job_id = job_id,
          .attempt = attempt,
          .code = wire::ResultCode::retry,
          .upstream_id = {},
          .detail = "the worker was ending",
          .begun = false};
}

void Worker::hand_over_jobs() {
  senders_.submit(batch_);
  for (const auto& job : batch_)  // beyond every credit
    answer({.job_id = job.id,
            .attempt = job.attempt,
            .code = wire::ResultCode::retry,
            .retry_after_ms = wire::kNotBegunPauseMs,
            .upstream_id = {},
            .detail = "the worker's queue is full",
            .begun = false});
  batch_.clear();
}

void Worker::hand_back_results() {
  outbox_.take(from_threads_);
  for (auto& message : from_threads_) {
    if (auto* result = std::get_if<wire::Result>(&message)) {
      answer(std::move(*result));
    } else {
      link_.send(message);
    }
  }
}

void Worker::answer(wire::Result result) { link_.send(ledger_.finish(std::move(result))); }

void Worker::drain(const char* why) {
  if (std::exchange(draining_, true)) return;
  log(LogLevel::info, std::string("draining: ") + why);
  link_.take_no_more();
  // What no thread has begun goes back at once: a send that still runs may take long, and others are free.
  hand_over_jobs();
  for (const auto& job : senders_.withdraw()) answer(not_begun(job.id, job.attempt));
}

}  // namespace otpgw::worker
