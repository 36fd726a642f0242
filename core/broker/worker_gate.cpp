#include "core/broker/worker_gate.h"

namespace otpgw::broker {
namespace {

constexpr std::chrono::milliseconds kReadyTimeout{2000};
constexpr std::size_t kWaitingMax = 1'000;  // parked per provider; beyond, they go on without

}  // namespace

WorkerGate::WorkerGate(http::Loop& loop, Broker& broker,
                       const std::vector<std::pair<std::string, wire::Descriptor>>& known)
    : loop_(loop), broker_(broker) {
  for (const auto& [provider, descriptor] : known) {
    providers_[provider].descriptor = std::make_shared<wire::Descriptor>(descriptor);
  }
}

std::shared_ptr<const wire::Descriptor> WorkerGate::descriptor(std::string_view provider) const {
  const auto found = providers_.find(provider);
  return found == providers_.end() ? nullptr : found->second.descriptor;
}

void WorkerGate::await_ready(std::string name, std::move_only_function<void()> done) {
  auto& provider = providers_[name];
  if (provider.ready_since_start || provider.waiting.size() >= kWaitingMax) return done();
  const auto id = ++last_waiting_;
  const auto timer = loop_.after(kReadyTimeout, [&provider, id] {  // map nodes stay where they are
    auto waiting = provider.waiting.extract(id);
    waiting.mapped().done();
  });
  provider.waiting.emplace(id, Waiting{timer, std::move(done)});
}

void WorkerGate::validate(std::string provider, std::string address,
                          std::move_only_function<void(otp::AddressCheck)> done) {
  if (providers_[provider].ready_since_start) return ask(provider, std::move(address), std::move(done));
  await_ready(provider, [this, provider, address = std::move(address), done = std::move(done)]() mutable {
    ask(provider, std::move(address), std::move(done));
  });
}

void WorkerGate::ask(const std::string& provider, std::string address,
                     std::move_only_function<void(otp::AddressCheck)> done) {
  using Verdict = otp::AddressCheck::Verdict;
  const auto descriptor = this->descriptor(provider);
  if (!descriptor) return done({Verdict::not_ready, {}, {}, {}});
  if (address.size() > descriptor->address_bytes_max) {
    return done({Verdict::too_long,
                 "It is longer than " + std::to_string(descriptor->address_bytes_max) + " bytes.",
                 {},
                 {}});
  }
  broker_.post([this, provider, address = std::move(address), done = std::move(done)]() mutable {
    broker_.validate(
        provider, std::move(address), [this, done = std::move(done)](otp::AddressCheck check) mutable {
          loop_.post(
              [done = std::move(done), check = std::move(check)]() mutable { done(std::move(check)); });
        });
  });
}

void WorkerGate::reconfigure(const config::Config& config) {
  for (auto& [name, provider] : providers_) {
    if (!config.providers.contains(name)) provider.ready_since_start = false;
  }
}

void WorkerGate::worker_ready(const std::string& name, const wire::Descriptor& descriptor) {
  auto& provider = providers_[name];
  provider.descriptor = std::make_shared<wire::Descriptor>(descriptor);
  provider.ready_since_start = true;
  auto waiting = std::exchange(provider.waiting, {});
  for (auto& [id, entry] : waiting) {
    loop_.cancel(entry.timer);
    entry.done();
  }
}

}  // namespace otpgw::broker
