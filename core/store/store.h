// What the OTP service and the dispatcher need kept, and nothing about how. DESIGN.md beside this file says
// what every engine must hold to.
//
// Threads. Reads (find, descriptors) are made on the loop's thread and see one moment's data until
// end_reads(). Writes may be asked for on any thread; each is one transaction, they take effect in the order
// asked, and `done` is called exactly once: on the store's own thread after the commit is durable, or with an
// Error (then perhaps on the caller's, before the call returns). A `done` must not block: it posts.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/limits/limit.h"
#include "core/limits/policy.h"
#include "core/otp/otp.h"
#include "core/otp/rules.h"
#include "core/otp/service.h"
#include "core/wire/messages.h"

namespace otpgw::store {

enum class Error : uint8_t {
  unavailable,  // nothing was written: disk full, queue full, stopping; may work later
  broken        // I/O error or corruption: nothing more will be acknowledged
};

// A send job that was still queued and will not be sent any more.
struct EndedJob {
  int64_t sending = 0;  // Written::sending, which has ended with it; 0: that goes on with another provider
  std::string provider;
};

// What a write to an OTP did.
struct Written {
  otp::Verdict verdict = otp::Verdict::done;
  otp::Otp otp{};  // as it stands now (after a check that deleted it: as it was last)
  // Names its sending, from the first job to the last provider's end: row of the job that it began with, 0
  // without one. What the loop waits on.
  int64_t sending = 0;
  std::optional<EndedJob> ended_job{};  // that this write ended: replaced, or not needed any more
  bool closed = false;                  // this write closed it
  // A limit that has been reached: with Verdict::limited it refused this write; else it would have, had the
  // policy been enforced.
  std::optional<limits::Over> over{};
  bool replayed = false;  // an idempotent request's first answer, with the current delivery
};
using PolicyPtr = std::shared_ptr<const limits::Policy>;
template <class T>
using Done = std::move_only_function<void(std::expected<T, Error>)>;

// A leased send job: everything needed to render and send it.
struct LeasedJob {
  int64_t row = 0;
  std::string key;            // the job id that upstreams see: random, the same for every attempt
  uint32_t attempt = 0;       // number of this lease
  int tries = 0;              // calls that came back so far
  int deaths = 0;             // workers that died under it so far
  otp::UnixMs queued_at = 0;  // 0: by a version that did not note it
  int64_t sending = 0;        // Written::sending; 0 when that has left this job behind
  otp::Otp otp;
};
struct Lease {
  std::vector<LeasedJob> jobs;
  std::vector<int64_t> ended;  // EndedJob::sending of what was found dead (expired, replaced) on the way
  std::optional<otp::UnixMs>
      next_due_at;  // when a job that is queued now becomes due, if none is due any more
};

// What the dispatcher has to say about a leased job. Ignored when the job has ended, or when `attempt` is not
// its current lease - except `sent`: a send that succeeded has succeeded, however late we hear of it.
struct JobOutcome {
  int64_t row = 0;  // never reused
  uint32_t attempt = 0;
  otp::DeliveryState state = otp::DeliveryState::queued;  // queued: again at due_at
  otp::UnixMs due_at = 0;
  int tries = 0;
  int deaths = 0;
  std::string detail, upstream_id;
  std::string provider{};  // for the asker to remember: the store knows
};
struct Swept {
  std::vector<EndedJob> ended;  // as expired
  bool more = false;            // there was more than one batch: sweep again at once
};
// What became of a job.
struct JobEnd {
  otp::DeliveryState state;  // its own, afterwards
  int64_t sending = 0;       // Written::sending
  bool ended = false;        // the sending has ended: no other provider follows
};
using JobEnds = std::vector<JobEnd>;  // in the order given

// The queued jobs of a provider.
struct Queue {
  int64_t jobs = 0;  // counted up to kQueueCountMax
  std::optional<otp::UnixMs> first_due_at;
};
inline constexpr int64_t kQueueCountMax = 20'000;  // about 2 ms of counting

struct State {
  bool writable = true;  // as writable() says
  bool takes_new_otps = true;
  int64_t free_bytes = 0;  // on the file system
  int64_t log_bytes = 0;   // of the write-ahead log
};

class Store {
 public:
  virtual ~Store() = default;

  // --- reads: loop's thread
  // ----------------------------------------------------------------------------------------- The record,
  // whether live or only kept; nothing when there is none (or it is past keep_until).
  [[nodiscard]] virtual std::expected<std::optional<otp::Otp>, Error> find(std::string_view name_space,
                                                                           std::string_view id) = 0;
  [[nodiscard]] virtual std::expected<Queue, Error> queue(std::string_view provider) = 0;
  // What limits::over() says of these now.
  [[nodiscard]] virtual std::expected<std::optional<limits::Over>, Error> over(
      const limits::Accounts& accounts, int64_t pending) = 0;
  virtual void end_reads() = 0;

  // --- writes by the OTP service
  // ------------------------------------------------------------------------------------ Each reads the
  // record, asks core/otp/rules.h, and writes record and send job together. A send and a wrong guess are
  // charged to the policy's counters by the same write; over a limit it writes nothing.
  virtual void put(otp::Otp wanted, std::optional<otp::Idempotency> idempotency, PolicyPtr policy,
                   Done<Written> done) = 0;
  virtual void check(std::string name_space, std::string id, otp::Guess guess,
                     std::optional<otp::Idempotency> idempotency, PolicyPtr policy, Done<Written> done) = 0;
  virtual void resend(std::string name_space, std::string id, std::chrono::milliseconds cooldown,
                      PolicyPtr policy, Done<Written> done) = 0;
  virtual void status(std::string name_space, std::string id, bool consume, Done<Written> done) = 0;
  virtual void set_address(otp::Otp wanted, std::string expected, PolicyPtr policy, Done<Written> done) = 0;

  // --- other writes to counters
  // -------------------------------------------------------------------------------------- One event more.
  virtual void count(limits::Accounts accounts, PolicyPtr policy, Done<bool> done) = 0;
  // How many of these there were.
  virtual void forget(std::vector<std::string> counters, Done<int64_t> done) = 0;

  // --- writes by the dispatcher
  // ------------------------------------------------------------------------------------- Leases up to
  // `limit` due jobs of the provider; what has expired or been replaced ends as expired on the way.
  virtual void lease(std::string provider, int limit, Done<Lease> done) = 0;
  // Where a list of providers goes on, the next one's job is queued in the same transaction.
  virtual void finish(std::vector<JobOutcome> outcomes, Done<JobEnds> done) = 0;
  // Goes on with the next provider where a step has had its time, ends queued jobs whose code has expired,
  // and removes what nobody may see any more: a bounded batch of it.
  virtual void sweep(Done<Swept> done) = 0;

  // --- descriptors: what a provider is, remembered for the time before its worker is there
  // ---------------------------
  [[nodiscard]] virtual std::vector<std::pair<std::string, wire::Descriptor>> descriptors() = 0;
  virtual void save_descriptor(std::string provider, wire::Descriptor descriptor) = 0;

  // --- state
  // ---------------------------------------------------------------------------------------------------------
  // Any thread. False since the last write failed, until one succeeds; while it is false, each sweep tries.
  [[nodiscard]] virtual bool writable() const = 0;
  // Loop's thread.
  [[nodiscard]] virtual State state() = 0;
  // Finishes what was asked, then stops. No call may follow.
  virtual void close() = 0;
};

// Told on the store's thread after a commit, so that nobody has to poll. Must not block.
struct Listener {
  std::function<void(const std::string& provider)> jobs_queued;
  std::function<void(const std::string& reason)> broken;  // the process must end; at most once
};

}  // namespace otpgw::store
