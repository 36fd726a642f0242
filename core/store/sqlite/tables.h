// The tables as operations on rows: all SQL of the running engine stands in tables.cpp. Made for one
// connection and used by its thread. Throws SqlError.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/sqlite/sql.h"
#include "core/store/store.h"

namespace otpgw::store::sqlite {

// An otp row, with the delivery of its current job.
struct OtpRow {
  int64_t row = 0;
  int64_t job = 0;  // row of the current job, 0 without one
  otp::Otp otp;
};

// What reading needs: the loop's thread has its own.
class Reads {
 public:
  explicit Reads(Connection& connection);
  [[nodiscard]] std::optional<OtpRow> find_otp(std::string_view name_space, std::string_view id);
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> descriptors();
  // Of the queued jobs at most `limit` are counted.
  [[nodiscard]] Queue queue(std::string_view provider, int64_t limit);

 private:
  Statement find_otp_, descriptors_, count_queued_, first_due_;
};

class Tables : public Reads {
 public:
  explicit Tables(Connection& connection);

  // Inserts when row.row is 0 (and sets it), else replaces all columns.
  void save_otp(OtpRow& row);
  // Only what a guess, a resend and closing change: counters, closed, keep_until, job.
  void update_progress(const OtpRow& row);
  void remove_otp(int64_t row);

  // The row that the next job is to have: above every row that a job, an OTP or an idempotent answer names.
  [[nodiscard]] int64_t next_job_row() { return ++last_job_row_; }
  // Inserts row.job, due at once.
  void insert_job(const OtpRow& row, otp::UnixMs now);
  // Ends it as expired if it is still queued; it, if it was.
  std::optional<EndedJob> end_if_queued(int64_t job);

  struct JobRow {
    int64_t otp = 0;
    otp::DeliveryState state = otp::DeliveryState::queued;
    uint32_t attempt = 0;
    otp::UnixMs expires_at = 0;
  };
  [[nodiscard]] std::optional<JobRow> find_job(int64_t job);
  // Does its OTP still wait for it?
  [[nodiscard]] bool is_live(int64_t job, const JobRow& row);
  [[nodiscard]] otp::Delivery delivery(int64_t job);
  void update_job(const JobOutcome& outcome, otp::DeliveryState state);
  // Due jobs of a provider, oldest first; a job whose OTP is gone or has moved on comes with an empty otp.id.
  [[nodiscard]] std::vector<LeasedJob> due_jobs(const std::string& provider, otp::UnixMs now, int limit);
  void mark_leased(int64_t job);
  [[nodiscard]] std::optional<otp::UnixMs> next_due_at(const std::string& provider);
  // Jobs that were leased when the last core ended: queued again. Run once at start.
  void requeue_leased(otp::UnixMs now);

  // The jobs that expired since the last call, up to `limit` of them looked at: those still queued end as
  // expired.
  std::vector<EndedJob> end_expired_jobs(otp::UnixMs now, int limit);
  // Removes up to `limit` rows of each kind that nobody may see any more; true when there may be more.
  bool remove_dead(otp::UnixMs now, int limit);

  struct AnswerRow {
    std::string parameters, snapshot;
    int64_t job = 0;
  };
  [[nodiscard]] std::optional<AnswerRow> find_answer(std::string_view scope, otp::UnixMs now);
  void save_answer(std::string_view scope, const AnswerRow& answer, otp::UnixMs expires_at);

  void save_descriptor(std::string_view provider, std::string_view bytes);

  // Writes as much as some PUTs do, into a row that the next sweep removes: whether the disk takes it. Less
  // would go into pages of the log that a write which failed has left, and prove nothing.
  void try_to_write();

 private:
  Connection& connection_;
  int64_t last_job_row_ = 0;
  Statement insert_otp_, update_otp_, update_progress_, remove_otp_, insert_job_, end_queued_, find_job_,
      is_live_, delivery_, update_job_, due_jobs_, mark_leased_, next_due_, requeue_, expired_jobs_,
      remove_otps_, remove_jobs_, remove_answers_, find_answer_, save_answer_, save_descriptor_,
      try_to_write_;
};

}  // namespace otpgw::store::sqlite
