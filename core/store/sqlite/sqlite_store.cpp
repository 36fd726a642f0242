#include "core/store/sqlite/sqlite_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "core/store/snapshot.h"
#include "core/store/sqlite/counters.h"
#include "core/store/sqlite/database.h"
#include "core/store/sqlite/free_space.h"
#include "core/store/sqlite/tables.h"
#include "core/store/sqlite/writer.h"

namespace otpgw::store::sqlite {
namespace {

using otp::DeliveryState;
using otp::Verdict;

constexpr int kSweepRowsMax = 1000;  // of each kind in one transaction: some milliseconds

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& file, FileLock lock, const otp::Clock& clock, Listener listener,
              const Options& options)
      : file_(file),
        lock_(std::move(lock)),
        space_(file.parent_path(), options.min_free_bytes),
        log_kept_ms_(options.log_kept.count()),
        clock_(clock),
        listener_(std::move(listener)),
        write_connection_(open_writer(file)),
        tables_(write_connection_),
        counters_(write_connection_, options.counters_max),
        read_connection_(open_reader(file)),
        reads_(read_connection_),
        counter_reads_(read_connection_) {
    tables_.requeue_leased(clock_.now());
    for (const auto& [provider, bytes] : reads_.descriptors()) {
      if (auto descriptor = wire::decode_descriptor(bytes))
        descriptors_.emplace_back(provider, std::move(*descriptor));
    }
    writer_ = std::make_unique<Writer>(
        write_connection_,
        Writer::Hooks{.committed =
                          [this] {
                            for (const auto& provider : std::exchange(queued_for_, {}))
                              listener_.jobs_queued(provider);
                          },
                      .try_to_write = [this] { tables_.try_to_write(); },
                      .tidy = [this] { empty_log(); },
                      .broken = [this](const std::string& reason) { break_off(reason); }},
        options.metrics);
  }

  ~SqliteStore() override { writer_->close(); }

  std::expected<std::optional<otp::Otp>, Error> find(std::string_view name_space,
                                                     std::string_view id) override {
    return read([&]() -> std::optional<otp::Otp> {
      auto row = reads_.find_otp(name_space, id);
      if (!row || clock_.now() >= row->otp.keep_until) return std::nullopt;
      return std::move(row->otp);
    });
  }

  std::expected<Queue, Error> queue(std::string_view provider) override {
    return read([&] { return reads_.queue(provider, kQueueCountMax); });
  }

  std::expected<std::optional<limits::Over>, Error> over(const limits::Accounts& accounts,
                                                         int64_t pending) override {
    return read(
        [&] { return limits::over(accounts, counter_reads_.find(accounts).windows, clock_.now(), pending); });
  }

  void end_reads() override {
    if (std::exchange(reading_, false))
      sqlite3_exec(read_connection_.get(), "COMMIT", nullptr, nullptr, nullptr);
  }

  void put(otp::Otp wanted, std::optional<otp::Idempotency> idempotency, PolicyPtr policy,
           Done<Written> done) override {
    if (!space_.enough()) return done(std::unexpected(Error::unavailable));
    write<Written>(
        [this, wanted = std::move(wanted), idempotency = std::move(idempotency), policy = std::move(policy)] {
          return once(idempotency, [&] {
            auto row = tables_.find_otp(wanted.name_space, wanted.id);
            return charge_send(policy, row, otp::decide_put(row ? &row->otp : nullptr, wanted, clock_.now()));
          });
        },
        std::move(done));
  }

  void check(std::string name_space, std::string id, otp::Guess guess,
             std::optional<otp::Idempotency> idempotency, PolicyPtr policy, Done<Written> done) override {
    write<Written>(
        [this, name_space = std::move(name_space), id = std::move(id), guess = std::move(guess),
         idempotency = std::move(idempotency), policy = std::move(policy)] {
          return once(idempotency, [&] {
            auto row = tables_.find_otp(name_space, id);
            return charge_guess(policy, row,
                                otp::decide_check(row ? &row->otp : nullptr, guess, clock_.now()));
          });
        },
        std::move(done));
  }

  void resend(std::string name_space, std::string id, std::chrono::milliseconds cooldown, PolicyPtr policy,
              Done<Written> done) override {
    write<Written>(
        [this, name_space = std::move(name_space), id = std::move(id), cooldown, policy = std::move(policy)] {
          auto row = tables_.find_otp(name_space, id);
          return charge_send(policy, row,
                             otp::decide_resend(row ? &row->otp : nullptr, clock_.now(), cooldown));
        },
        std::move(done));
  }

  void status(std::string name_space, std::string id, bool consume, Done<Written> done) override {
    write<Written>(
        [this, name_space = std::move(name_space), id = std::move(id), consume] {
          auto row = tables_.find_otp(name_space, id);
          return apply(row, otp::decide_status(row ? &row->otp : nullptr, consume, clock_.now()));
        },
        std::move(done));
  }

  void set_address(otp::Otp wanted, std::string expected, PolicyPtr policy, Done<Written> done) override {
    write<Written>(
        [this, wanted = std::move(wanted), expected = std::move(expected), policy = std::move(policy)] {
          auto row = tables_.find_otp(wanted.name_space, wanted.id);
          return charge_send(
              policy, row,
              otp::decide_set_address(row ? &row->otp : nullptr, wanted, expected, clock_.now()));
        },
        std::move(done));
  }

  void count(limits::Accounts accounts, PolicyPtr policy, Done<bool> done) override {
    write<bool>(
        [this, accounts = std::move(accounts), policy = std::move(policy)] {
          counters_.count(accounts, counters_.find(accounts), clock_.now());
          return true;
        },
        std::move(done));
  }

  void forget(std::vector<std::string> counters, Done<int64_t> done) override {
    write<int64_t>([this, counters = std::move(counters)] { return counters_.forget(counters); },
                   std::move(done));
  }

  void lease(std::string provider, int limit, Done<Lease> done) override {
    write<Lease>(
        [this, provider = std::move(provider), limit] {
          const auto now = clock_.now();
          Lease lease;
          auto due = tables_.due_jobs(provider, now, limit);
          const bool drained = static_cast<int>(due.size()) < limit;
          for (auto& job : due) {
            if (job.otp.id.empty() || !job.otp.live(now)) {
              tables_.end_if_queued(job.row);
              lease.ended.push_back(job.sending);
              continue;
            }
            tables_.mark_leased(job.row);
            ++job.attempt;
            lease.jobs.push_back(std::move(job));
          }
          if (drained) lease.next_due_at = tables_.next_due_at(provider);
          return lease;
        },
        std::move(done));
  }

  void finish(std::vector<JobOutcome> outcomes, Done<JobEnds> done) override {
    write<JobEnds>(
        [this, outcomes = std::move(outcomes)] {
          JobEnds ends;
          for (const auto& outcome : outcomes) ends.push_back(finish_one(outcome));
          return ends;
        },
        std::move(done));
  }

  void sweep(Done<Swept> done) override {
    write<Swept>(
        [this] {
          const auto now = clock_.now();
          Swept swept{.ended = tables_.end_expired_jobs(now, kSweepRowsMax)};
          swept.more = swept.ended.size() == kSweepRowsMax;
          const auto over = tables_.steps_over(now, kSweepRowsMax);
          for (const auto otp : over) {
            auto row = tables_.find_otp(otp);
            if (auto given_up = row ? go_on(*row) : std::nullopt) swept.ended.push_back(std::move(*given_up));
          }
          swept.more |= tables_.remove_dead(now, kSweepRowsMax) || over.size() == kSweepRowsMax;
          swept.more |= counters_.remove_dead(now, kSweepRowsMax);
          return swept;
        },
        std::move(done));
  }

  std::vector<std::pair<std::string, wire::Descriptor>> descriptors() override { return descriptors_; }

  void save_descriptor(std::string provider, wire::Descriptor descriptor) override {
    write<bool>(
        [this, provider = std::move(provider), bytes = wire::encode_descriptor(descriptor)] {
          tables_.save_descriptor(provider, bytes);
          return true;
        },
        [](auto) {});  // a cache: the next READY brings it again
  }

  [[nodiscard]] bool writable() const override { return writer_->writable(); }
  State state() override {
    struct stat log {};
    const auto name = file_.string() + "-wal";
    return {.writable = writable(),
            .takes_new_otps = space_.enough(),
            .free_bytes = space_.bytes(),
            .log_bytes = ::stat(name.c_str(), &log) == 0 ? log.st_size : 0};
  }
  void close() override { writer_->close(); }

 private:
  template <class Read>
  std::expected<std::invoke_result_t<Read>, Error> read(Read read) {
    try {
      if (!reading_) read_connection_.exec("BEGIN");
      reading_ = true;
      return read();
    } catch (const SqlError& error) {
      if (!error.fatal()) return std::unexpected(Error::unavailable);
      break_off(error.what());
      return std::unexpected(Error::broken);
    }
  }

  // The log keeps copies of rows that have been removed from the tables, until it is emptied. Store's thread.
  void empty_log() {
    const auto now = clock_.now();
    const auto changes = sqlite3_total_changes64(write_connection_.get());
    if (changes == emptied_at_changes_ || now < emptied_at_ + log_kept_ms_) return;
    // When a reader holds it up (its answer says so), the next commit tries again.
    if (write_connection_.ask("PRAGMA wal_checkpoint(TRUNCATE)") != "0") return;
    emptied_at_ = now;
    emptied_at_changes_ = changes;
  }

  template <class T, class Run>
  void write(Run run, Done<T> done) {
    auto result = std::make_shared<T>();
    writer_->submit({[result, run = std::move(run)]() mutable { *result = run(); },
                     [result, done = std::move(done)](std::optional<Error> error) mutable {
                       if (error) return done(std::unexpected(*error));
                       done(std::move(*result));
                     }});
  }

  // Runs `change` unless its Idempotency-Key has been answered; remembers the answer when it changed
  // anything.
  template <class Change>
  Written once(const std::optional<otp::Idempotency>& idempotency, Change change) {
    if (!idempotency) return change();
    if (auto first = first_answer(*idempotency)) return std::move(*first);
    for (const auto& former : idempotency->former) {
      if (auto first = first_answer(former)) return std::move(*first);
    }
    Written written = change();
    if (written.verdict == Verdict::done || written.verdict == Verdict::wrong_code) {
      tables_.save_answer(idempotency->scope,
                          {idempotency->parameters, encode_snapshot(written), written.sending},
                          written.otp.expires_at);
    }
    return written;
  }

  std::optional<Written> first_answer(const otp::Idempotency& idempotency) {
    const auto answer = tables_.find_answer(idempotency.scope, clock_.now());
    if (!answer) return {};
    if (answer->parameters != idempotency.parameters) return Written{.verdict = Verdict::key_conflict};
    auto first = decode_snapshot(answer->snapshot);
    if (!first) return {};
    first->replayed = true;
    first->sending = answer->job;
    bring_up_to_date(first->otp, answer->job);
    return first;
  }

  // How the delivery of an answer of before stands now. The OTP itself may be gone.
  void bring_up_to_date(otp::Otp& otp, int64_t sending) {
    if (!otp.has_fallback()) {
      otp.delivery = tables_.delivery(sending);
      return;
    }
    auto& fallback = otp.fallback;
    for (auto& step : fallback.steps) step.delivery = tables_.delivery(step.job);
    for (const auto& job : tables_.jobs_of_sending(sending)) {
      const auto step = std::ranges::find(fallback.steps, job.provider, &otp::Step::provider);
      if (step == fallback.steps.end()) continue;
      step->job = job.row;
      step->delivery = job.delivery;
      if (otp.delivery.state == DeliveryState::sent) continue;  // as the rules have it: the one that was sent
      fallback.current = static_cast<std::size_t>(step - fallback.steps.begin());
      otp.provider = step->provider;
      otp.delivery = step->delivery;
    }
  }

  // A sending counts where its job is queued, or is refused there. Whoever reads the counters before and
  // counts afterwards lets through as many as ask at the same time.
  Written charge_send(const PolicyPtr& policy, std::optional<OtpRow>& row, otp::Decision decision) {
    if (!policy || !decision.new_job) return apply(row, std::move(decision));
    const auto now = clock_.now();
    const auto accounts = policy->sends(decision.otp);
    const auto before = counters_.find(accounts);
    const auto over = limits::over(accounts, before.windows, now);
    if (over && policy->enforces())
      return {.verdict = Verdict::limited, .otp = std::move(decision.otp), .over = over};
    counters_.count(accounts, before, now);
    auto written = apply(row, std::move(decision));
    written.over = over;
    return written;
  }

  // Over its limit no guess is evaluated: a right one neither.
  Written charge_guess(const PolicyPtr& policy, std::optional<OtpRow>& row, otp::Decision decision) {
    const bool wrong = decision.verdict == Verdict::wrong_code;
    if (!policy || (!wrong && decision.verdict != Verdict::done)) return apply(row, std::move(decision));
    const auto now = clock_.now();
    const auto accounts = policy->guesses(decision.otp);
    const auto before = counters_.find(accounts);
    const auto over = limits::over(accounts, before.windows, now);
    if (over && policy->enforces())
      return {.verdict = Verdict::limited, .otp = std::move(row->otp), .over = over};
    if (wrong) counters_.count(accounts, before, now);
    auto written = apply(row, std::move(decision));
    written.over = over;
    return written;
  }

  // Writes what was decided about `row` (if there is one).
  Written apply(std::optional<OtpRow>& row, otp::Decision decision) {
    Written written{.verdict = decision.verdict, .otp = std::move(decision.otp)};
    if (row) written.sending = row->sending();
    if (!decision.write && !decision.remove) return written;
    OtpRow next{row ? row->row : 0, row ? row->job : 0, std::move(written.otp)};
    if (row) next.otp.delivery = row->otp.delivery;
    // A job not yet started serves nobody once its code is replaced, used, or sent anew.
    if (next.job != 0 && (decision.replaces || decision.new_job || decision.remove || next.otp.closed)) {
      if (auto ended = tables_.end_if_queued(next.job)) {
        written.ended_job = std::move(ended);
        next.otp.delivery.state = DeliveryState::expired;
      }
    }
    if (decision.replaces || decision.new_job) {
      next.job = 0;
      next.otp.delivery = {};
    }
    if (decision.new_job) name_new_job(next);
    if (decision.remove) {
      tables_.remove_otp(next.row);
    } else if (decision.replaces || next.otp.has_fallback()) {
      tables_.save_otp(next);
    } else {
      tables_.update_progress(next);
    }
    if (decision.new_job) queue_job(next);
    written.sending = next.sending();
    written.closed = row && !row->otp.closed && next.otp.closed;
    written.otp = std::move(next.otp);
    return written;
  }

  void name_new_job(OtpRow& row) {
    row.job = tables_.next_job_row();
    row.otp.delivery = {.state = DeliveryState::queued, .detail = {}, .upstream_id = {}};
    if (!row.otp.has_fallback()) return;
    auto& step = row.otp.fallback.steps[row.otp.fallback.current];
    step.job = row.job;
    step.delivery = row.otp.delivery;
  }

  void queue_job(const OtpRow& row) {
    tables_.insert_job(row, clock_.now());
    queued_for_.insert(row.otp.provider);
  }

  JobEnd finish_one(const JobOutcome& outcome) {
    const auto job = tables_.find_job(outcome.row);
    if (!job) return {DeliveryState::expired, outcome.row, true};  // swept long after its code's end
    JobEnd end{job->state, job->sending, is_final(job->state) && !job->of_list};
    if (is_final(job->state)) return end;
    if (job->attempt != outcome.attempt && outcome.state != DeliveryState::sent) return end;
    end.state = outcome.state;
    if (end.state == DeliveryState::queued &&
        (outcome.due_at >= job->expires_at || !tables_.is_live(outcome.row, *job))) {
      end.state = DeliveryState::expired;
    }
    tables_.update_job(outcome, end.state);
    end.ended = is_final(end.state);
    if (!job->of_list) return end;
    // Of an OTP that is gone, or is sent anew, a job's end is the end of its sending.
    if (auto row = tables_.find_otp(job->otp);
        row && row->otp.has_fallback() && row->sending() == job->sending) {
      go_on(*row);
      end.ended = row->otp.delivery_ended();
    }
    return end;
  }

  // Makes the next provider of a list, or an earlier one that was sent after all, the current one if the
  // rules say so. The job that is given up for it, if that had not begun.
  std::optional<EndedJob> go_on(OtpRow& row) {
    auto decision = otp::decide_step(row.otp, clock_.now());
    if (!decision.write) return {};
    const auto left = row.job;
    const auto detail = row.otp.delivery.detail;
    row.otp = std::move(decision.otp);
    const auto& step = row.otp.fallback.steps[row.otp.fallback.current];
    if (decision.new_job) {
      name_new_job(row);
    } else {
      row.job = step.job;
      row.otp.delivery = step.delivery;
    }
    std::optional<EndedJob> given_up;
    if (row.job != left)
      given_up = tables_.give_up_if_queued(left, detail.empty() ? "not sent in time" : detail);
    tables_.save_otp(row);
    if (decision.new_job) queue_job(row);
    return given_up;
  }

  void break_off(const std::string& reason) {
    if (broken_.test_and_set()) return;
    suspect(file_);
    listener_.broken(reason);
  }

  const std::filesystem::path file_;
  FileLock lock_;
  FreeSpace space_;
  const int64_t log_kept_ms_;
  const otp::Clock& clock_;
  Listener listener_;
  Connection write_connection_;            // writer's thread
  Tables tables_;                          // writer's thread
  Counters counters_;                      // writer's thread
  otp::UnixMs emptied_at_ = clock_.now();  // writer's thread: when the log was emptied last,
  int64_t emptied_at_changes_ = 0;         // and after how many changes
  std::set<std::string> queued_for_;       // writer's thread: providers with new jobs in this commit
  Connection read_connection_;             // loop's thread
  Reads reads_;                            // loop's thread
  CounterReads counter_reads_;             // loop's thread
  bool reading_ = false;                   // loop's thread
  std::vector<std::pair<std::string, wire::Descriptor>> descriptors_;  // of a former run
  std::atomic_flag broken_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace

std::expected<std::unique_ptr<Store>, StartError> open_store(const std::filesystem::path& file,
                                                             const otp::Clock& clock, Listener listener,
                                                             const Options& options) {
  auto lock = FileLock::take(file);
  if (!lock) return std::unexpected(StartError{lock.error(), true});
  try {
    return std::make_unique<SqliteStore>(file, std::move(*lock), clock, std::move(listener), options);
  } catch (const SqlError& error) {
    const bool stays = error.primary() == SQLITE_CORRUPT || error.primary() == SQLITE_NOTADB;
    return std::unexpected(StartError{file.string() + ": " + error.what(), !stays});
  }
}

}  // namespace otpgw::store::sqlite
