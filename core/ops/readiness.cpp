#include "core/ops/readiness.h"

namespace otpgw::ops {

bool is_ready(const Snapshot& now) { return now.store.writable && !now.stopping; }

std::vector<std::string> troubles(const Snapshot& now) {
  std::vector<std::string> found;
  if (now.stopping) found.emplace_back("The gateway is stopping.");
  if (!now.store.writable) found.emplace_back("The store can't be written.");
  if (!now.store.takes_new_otps)
    found.emplace_back("New OTPs are refused: less than store.min_free is free on the store's disk.");
  for (const auto& provider : now.providers) {
    if (provider.workers == 0) found.push_back("The provider " + provider.id + " has no worker.");
    if (provider.breaker != Breaker::closed)
      found.push_back("The provider " + provider.id + " fails: its breaker is " +
                      to_string(provider.breaker) + ".");
  }
  return found;
}

}  // namespace otpgw::ops
