#include "worker/job_ledger.h"

#include <algorithm>
#include <utility>

namespace otpgw::worker {

JobLedger::JobLedger(bool resend_unknown, std::size_t remembered_max)
    : resend_unknown_(resend_unknown), remembered_max_(remembered_max) {}

JobLedger::Admission JobLedger::admit(const wire::Job& job) {
  if (const auto known = ended_.find(job.id); known != ended_.end()) {
    auto result = known->second;
    result.attempt = job.attempt;
    return result;
  }
  const auto [running, is_new] = newest_attempt_.try_emplace(job.id, job.attempt);
  if (is_new) return Start{};
  running->second = std::max(running->second, job.attempt);
  return Attached{};
}

wire::Result JobLedger::finish(wire::Result result) {
  if (const auto running = newest_attempt_.find(result.job_id); running != newest_attempt_.end()) {
    result.attempt = std::max(result.attempt, running->second);
    newest_attempt_.erase(running);
  }
  if (is_final(result.code) && ended_.try_emplace(result.job_id, result).second) {
    ended_order_.push_back(result.job_id);
    if (ended_order_.size() > remembered_max_) {
      ended_.erase(ended_order_.front());
      ended_order_.pop_front();
    }
  }
  return result;
}

bool JobLedger::is_final(wire::ResultCode code) const {
  switch (code) {
    case wire::ResultCode::sent:
    case wire::ResultCode::rejected:
      return true;
    case wire::ResultCode::unknown:
      return !resend_unknown_;
    case wire::ResultCode::retry:
    case wire::ResultCode::broken:
      return false;
  }
  return false;
}

}  // namespace otpgw::worker
