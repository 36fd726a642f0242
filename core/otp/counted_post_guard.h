// The post guard on the store's counters.
//
// A POST that is under way counts until it is known how it ends: as many as ask at the same time get no more
// tries than one after the other would. Loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/limits/policy.h"
#include "core/otp/limit_report.h"
#include "core/otp/post_guard.h"
#include "core/otp/scheduler.h"
#include "core/store/store.h"

namespace otpgw::otp {

class CountedPostGuard final : public PostGuard {
 public:
  // All must outlive it.
  struct Parts {
    store::Store& store;
    const CodeVault& vault;
    ops::Metrics& metrics;
    Scheduler scheduler;
  };
  CountedPostGuard(Parts parts, const config::Limits& limits);

  void reconfigure(const config::Limits& limits);

  [[nodiscard]] std::optional<std::chrono::seconds> begin(const std::string& client) override;
  void end(std::string client, bool failed, std::move_only_function<void()> done) override;

 private:
  void ended(const std::string& client);

  Parts parts_;
  std::shared_ptr<const limits::Policy> policy_;
  LimitReport report_;
  std::map<std::string, int64_t, std::less<>> under_way_;  // by client; as many as there are connections
};

}  // namespace otpgw::otp
