// The OTP service's view of the workers: descriptors and address validation, from the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/broker/broker.h"
#include "core/config/config.h"
#include "core/http/loop.h"
#include "core/otp/provider_gate.h"

namespace otpgw::broker {

class WorkerGate final : public otp::ProviderGate {
 public:
  // `known`: descriptors stored by a former run.
  WorkerGate(http::Loop& loop, Broker& broker,
             const std::vector<std::pair<std::string, wire::Descriptor>>& known);

  [[nodiscard]] std::shared_ptr<const wire::Descriptor> descriptor(std::string_view provider) const override;
  void await_ready(std::string provider, std::move_only_function<void()> done) override;
  void validate(std::string provider, std::string address,
                std::move_only_function<void(otp::AddressCheck)> done) override;

  // Loop's thread: a provider that is not enabled has no worker to ask; when it comes back, it is awaited.
  void reconfigure(const config::Config& config);
  // Loop's thread: a worker has said READY.
  void worker_ready(const std::string& provider, const wire::Descriptor& descriptor);

 private:
  struct Waiting {
    http::Loop::TimerId timer;
    std::move_only_function<void()> done;
  };
  struct Provider {
    std::shared_ptr<const wire::Descriptor> descriptor;
    bool ready_since_start = false;
    std::map<uint64_t, Waiting> waiting;
  };
  void ask(const std::string& provider, std::string address,
           std::move_only_function<void(otp::AddressCheck)> done);

  http::Loop& loop_;
  Broker& broker_;
  std::map<std::string, Provider, std::less<>> providers_;
  uint64_t last_waiting_ = 0;
};

}  // namespace otpgw::broker
