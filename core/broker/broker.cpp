#include "core/broker/broker.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <zmq.hpp>

#include "core/ops/log.h"

namespace otpgw::broker {
namespace {

constexpr std::chrono::milliseconds kValidateTimeout{500};
constexpr std::size_t kPendingMax = 10'000;  // validations under way; beyond, addresses go unchecked
constexpr int kQueueMax = 10'000;            // messages per worker, either way; credit keeps it far below
constexpr int kReceivesPerTurn = 1'000;

otp::AddressCheck unchecked() { return {otp::AddressCheck::Verdict::unchecked, {}, {}, {}}; }

}  // namespace

// ZeroMQ's descriptor is edge-triggered and counts sends too, so after every turn the socket is read until it
// is empty.
struct Broker::Socket final : http::Loop::Watcher {
  zmq::context_t context{1};
  zmq::socket_t router{context, zmq::socket_type::router};
  void on_events(uint32_t) override {}  // the turn's end reads
};

Broker::Broker(const std::string& endpoint, BrokerEvents& events, ProcessEvents processes)
    : events_(events), processes_(std::move(processes)), socket_(new Socket) {
  auto& router = socket_->router;
  router.set(zmq::sockopt::router_mandatory, true);  // else a message to a worker that has gone vanishes
  router.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(wire::kFrameBytesMax));
  router.set(zmq::sockopt::sndhwm, kQueueMax);
  router.set(zmq::sockopt::rcvhwm, kQueueMax);
  router.set(zmq::sockopt::linger, 200);
  router.bind(endpoint);
  loop_.watch(router.get(zmq::sockopt::fd), EPOLLIN, *socket_);
  loop_.at_turn_end([this] {
    receive_all();
    events_.turn_ended();
  });
  loop_.after(wire::kHeartbeatInterval, [this] { beat(); });
}

void Broker::start() {
  thread_ = std::thread([this] { loop_.run(); });
  pthread_setname_np(thread_.native_handle(), "broker");
}

Broker::~Broker() { stop(); }

void Broker::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

int Broker::credit(std::string_view provider) const {
  int credit = 0;
  for (const auto& [name, worker] : workers_) {
    if (worker.provider == provider && worker.reachable) credit += std::max(0, worker.room());
  }
  return credit;
}

int Broker::workers(std::string_view provider) const {
  return static_cast<int>(std::ranges::count_if(workers_, [&](const auto& entry) {
    return entry.second.provider == provider && entry.second.takes_jobs();
  }));
}

std::string Broker::roomiest(std::string_view provider) const {
  const std::pair<const std::string, Worker>* best = nullptr;
  for (const auto& entry : workers_) {
    if (entry.second.provider != provider || !entry.second.reachable) continue;
    if (!best || entry.second.room() > best->second.room()) best = &entry;
  }
  return best ? best->first : std::string();
}

std::optional<std::string> Broker::assign(const std::string& provider, const wire::Job& job) {
  for (;;) {
    const auto worker = roomiest(provider);
    if (worker.empty() || workers_[worker].room() <= 0) return {};
    if (send(worker, job)) {
      ++workers_[worker].in_flight;
      return worker;
    }
    lose_sight_of(worker);
  }
}

void Broker::validate(const std::string& provider, std::string address,
                      std::move_only_function<void(otp::AddressCheck)> done) {
  if (pending_.size() >= kPendingMax) return done(unchecked());
  for (auto worker = roomiest(provider); !worker.empty(); worker = roomiest(provider)) {
    const auto request = ++last_request_;
    if (!send(worker, wire::Validate{request, address})) {
      lose_sight_of(worker);
      continue;
    }
    const auto timer = loop_.after(kValidateTimeout, [this, request] {
      auto pending = pending_.extract(request);
      pending.mapped().done(unchecked());
    });
    pending_.emplace(request, Pending{timer, worker, std::move(address), std::move(done)});
    return;
  }
  done(unchecked());
}

void Broker::worker_died(const std::string& instance) {
  receive_all();  // its last results may be waiting here
  const auto gone =
      std::ranges::find_if(workers_, [&](const auto& entry) { return entry.second.instance == instance; });
  if (gone != workers_.end()) forget(std::string(gone->first), Gone::died);
}

void Broker::tell_ready_workers(const std::string& provider) {
  for (const auto& [name, worker] : workers_) {
    if (worker.provider == provider && worker.takes_jobs())
      events_.worker_ready(worker.provider, worker.descriptor);
  }
}

void Broker::drain_workers() {
  for (const auto& [name, worker] : workers_) send(name, wire::Drain{});
}

void Broker::receive_all() {
  auto& router = socket_->router;
  for (int i = 0; i < kReceivesPerTurn; ++i) {
    std::vector<zmq::message_t> frames;
    zmq::message_t frame;
    if (!router.recv(frame, zmq::recv_flags::dontwait)) return;
    while (frame.more()) {
      frames.push_back(std::move(frame));
      if (!router.recv(frame)) return;
    }
    frames.push_back(std::move(frame));
    // identity, version, command, body
    if (frames.size() != 4 || frames[1].size() != 1) continue;
    const auto version = *frames[1].data<uint8_t>();
    if (version != wire::kVersion && version != wire::kVersion - 1) continue;
    if (auto message = wire::decode(frames[2].to_string_view(), frames[3].to_string_view())) {
      handle(frames[0].to_string(), std::move(*message));
    }
  }
  loop_.post([] {});  // more may be waiting, and their edge has passed
}

void Broker::handle(const std::string& name, wire::Message message) {
  if (const auto* ready = std::get_if<wire::Ready>(&message)) {
    if (ready->instance.empty()) return;  // a body that was cut short
    const bool is_new = !workers_.contains(name);
    // The same process on a new connection: its old one is over, and nobody died.
    const auto before = std::ranges::find_if(workers_, [&](const auto& entry) {
      return entry.first != name && entry.second.instance == ready->instance;
    });
    if (before != workers_.end()) forget(std::string(before->first), Gone::left);
    auto& worker = workers_[name];
    worker.provider = ready->provider;
    worker.instance = ready->instance;
    worker.descriptor = ready->descriptor;
    worker.capacity = std::min<uint32_t>(ready->capacity, kQueueMax / 2);  // 0: it is about to leave
    worker.seen = loop_.now();
    if (is_new)
      ops::log_info("worker of " + ready->provider + " is ready, holds up to " +
                    std::to_string(worker.capacity) + " jobs");
    send(name, wire::Ping{});
    if (worker.capacity == 0) return;
    processes_.ready(ready->instance);
    return events_.worker_ready(ready->provider, ready->descriptor);
  }
  const auto known = workers_.find(name);
  if (known == workers_.end()) return;  // not one of ours until it says READY
  known->second.seen = loop_.now();
  if (const auto* result = std::get_if<wire::Result>(&message)) {
    if (known->second.in_flight > 0) --known->second.in_flight;
    events_.result(known->second.provider, *result);
  } else if (const auto* address = std::get_if<wire::Address>(&message)) {
    const auto asked = pending_.find(address->request);
    if (asked == pending_.end() || asked->second.worker != name) return;  // too late, or not asked
    auto pending = pending_.extract(asked);
    loop_.cancel(pending.mapped().timer);
    using Verdict = otp::AddressCheck::Verdict;
    const auto verdict = address->verdict == wire::AddressVerdict::valid     ? Verdict::valid
                         : address->verdict == wire::AddressVerdict::invalid ? Verdict::invalid
                                                                             : Verdict::too_long;
    pending.mapped().done({verdict, address->sentence, address->normalised, address->country});
  } else if (std::holds_alternative<wire::Bye>(message)) {
    forget(name, Gone::left);
  }
}

bool Broker::send(const std::string& worker, const wire::Message& message) {
  const auto frames = wire::encode(message);
  try {
    auto& router = socket_->router;
    const uint8_t version = wire::kVersion;
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    return router.send(zmq::buffer(worker), more) && router.send(zmq::buffer(&version, 1), more) &&
           router.send(zmq::buffer(frames.command), more) &&
           router.send(zmq::buffer(frames.body), zmq::send_flags::dontwait);
  } catch (const zmq::error_t&) {  // EHOSTUNREACH: it has gone
    return false;
  }
}

void Broker::lose_sight_of(const std::string& name) {
  auto& worker = workers_.at(name);
  worker.reachable = false;
  ask_others(name, worker.provider);
}

void Broker::ask_others(const std::string& name, const std::string& provider) {
  std::vector<Pending> unanswered;
  for (auto pending = pending_.begin(); pending != pending_.end();) {
    const auto next = std::next(pending);
    if (pending->second.worker == name) unanswered.push_back(std::move(pending_.extract(pending).mapped()));
    pending = next;
  }
  for (auto& pending : unanswered) {
    loop_.cancel(pending.timer);
    validate(provider, std::move(pending.address), std::move(pending.done));
  }
}

void Broker::forget(const std::string& name, Gone how) {
  const auto worker = workers_.extract(name);
  if (worker.empty()) return;
  if (how != Gone::left) ops::log_warning("a worker of " + worker.mapped().provider + " is gone");
  events_.worker_gone(worker.mapped().provider, name, how);
  ask_others(name, worker.mapped().provider);
}

void Broker::beat() {
  receive_all();
  const auto now = loop_.now();
  // After a pause of this process the silence was its own, and what the workers have said may still be on its
  // way from the kernel.
  if (now - last_beat_ > 2 * wire::kHeartbeatInterval) {
    for (auto& [name, worker] : workers_) worker.seen = now;
  }
  last_beat_ = now;
  std::vector<std::string> silent, out_of_reach;
  for (const auto& [name, worker] : workers_) {
    if (now - worker.seen > wire::kHeartbeatInterval * wire::kHeartbeatsMissedMax) {
      silent.push_back(name);
    } else if (worker.reachable && !send(name, wire::Ping{})) {
      out_of_reach.push_back(name);
    }
  }
  for (const auto& name : silent) {
    const auto instance = workers_.at(name).instance;
    forget(name, Gone::silent);
    processes_.hangs(instance);
  }
  for (const auto& name : out_of_reach) lose_sight_of(name);
  loop_.after(wire::kHeartbeatInterval, [this] { beat(); });
}

}  // namespace otpgw::broker
