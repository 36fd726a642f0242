// Which jobs this worker has in hand and how the recent ones ended, so that a job that the core leases twice
// (it restarted, or a heartbeat was late) is not sent twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/wire/messages.h"

namespace otpgw::worker {

// Owned by the main thread.
class JobLedger {
 public:
  // `resend_unknown`: the upstream honours the job id as idempotency key, so the core tries an UNKNOWN job
  // again on purpose; such an end is then not remembered.
  explicit JobLedger(bool resend_unknown, std::size_t remembered_max = 10'000);

  struct Start {};     // new here: send it
  struct Attached {};  // a call for it is under way; its result will carry this attempt
  using Admission = std::variant<Start, Attached, wire::Result>;  // or its known end, to be answered at once
  [[nodiscard]] Admission admit(const wire::Job& job);

  // Puts the newest attempt into the result, and remembers it when it is final.
  [[nodiscard]] wire::Result finish(wire::Result result);

  [[nodiscard]] std::size_t in_hand() const { return newest_attempt_.size(); }

 private:
  [[nodiscard]] bool is_final(wire::ResultCode code) const;

  const bool resend_unknown_;
  const std::size_t remembered_max_;
  std::unordered_map<std::string, uint32_t> newest_attempt_;  // of the jobs in hand
  std::unordered_map<std::string, wire::Result> ended_;
  std::deque<std::string> ended_order_;  // oldest first
};

}  // namespace otpgw::worker
