#include "core/store/sqlite/tables.h"

#include "core/otp/code.h"
#include "core/store/snapshot.h"

namespace otpgw::store::sqlite {
namespace {

using otp::DeliveryState;

#define OTP_COLUMNS                                                                                   \
  "otp.row, otp.job, namespace, id, address, address_normalised, address_from_page, otp.provider, "   \
  "channel_description, address_description, extra, attempts, max_attempts, generate, max_generate, " \
  "closed, "                                                                                          \
  "skip_delete, code_is_digits, code_length, code_hash, code_sealed, otp.expires_at, keep_until, "    \
  "fallback, step_ends_at, client, locale, return_url"
constexpr int kOtpColumns = 28;

#define FIND_OTP                                                        \
  "SELECT " OTP_COLUMNS                                                 \
  ", job.state, job.tries, job.detail, job.upstream_id, job.queued_at " \
  "FROM otp LEFT JOIN job ON job.row = otp.job WHERE "

constexpr const char* kFirstDue =
    "SELECT due_at FROM job WHERE provider = ? AND state = 1 ORDER BY due_at LIMIT 1";

constexpr const char* kDueJobs =
    "SELECT " OTP_COLUMNS
    ", job.row, job.key, job.attempt, job.tries, job.deaths, job.queued_at, job.first_job "
    "FROM job LEFT JOIN otp ON otp.row = job.otp AND otp.job = job.row AND otp.closed = 0 "
    "WHERE job.provider = ? AND job.state = 1 AND job.due_at <= ? ORDER BY job.due_at LIMIT ?";

OtpRow read_otp(const Statement::Run& run) {
  OtpRow row;
  auto& o = row.otp;
  int c = 0;
  row.row = run.integer(c++);
  row.job = run.integer(c++);
  o.name_space = run.text(c++);
  o.id = run.text(c++);
  o.to = run.text(c++);
  o.to_normalised = run.text(c++);
  o.to_from_page = run.integer(c++) != 0;
  o.provider = run.text(c++);
  o.channel_description = run.text(c++);
  o.address_description = run.text(c++);
  o.extra = run.text(c++);
  o.attempts = static_cast<int>(run.integer(c++));
  o.max_attempts = static_cast<int>(run.integer(c++));
  o.generate = static_cast<int>(run.integer(c++));
  o.max_generate = static_cast<int>(run.integer(c++));
  o.closed = run.integer(c++) != 0;
  o.skip_delete = run.integer(c++) != 0;
  o.code_is_digits = run.integer(c++) != 0;
  o.code_length = static_cast<int>(run.integer(c++));
  o.code_hash = run.text(c++);
  o.code_sealed = run.text(c++);
  o.expires_at = run.integer(c++);
  o.keep_until = run.integer(c++);
  o.fallback = decode_fallback(run.text(c++));
  o.fallback.ends_at = run.integer(c++);
  o.client = run.text(c++);
  o.locale = run.text(c++);
  o.return_url = run.text(c++);
  return row;
}

otp::Delivery read_delivery(const Statement::Run& run, int column) {
  if (run.is_null(column)) return {};
  return {static_cast<DeliveryState>(run.integer(column)), static_cast<int>(run.integer(column + 1)),
          run.text(column + 2), run.text(column + 3)};
}

}  // namespace

Reads::Reads(Connection& connection)
    : find_otp_(connection, FIND_OTP "namespace = ? AND id = ?"),
      find_otp_row_(connection, FIND_OTP "otp.row = ?"),
      delivery_(connection, "SELECT state, tries, detail, upstream_id FROM job WHERE row = ?"),
      descriptors_(connection, "SELECT provider, bytes FROM descriptor"),
      count_queued_(connection,
                    "SELECT count(*) FROM (SELECT 1 FROM job WHERE provider = ? AND state = 1 LIMIT ?)"),
      first_due_(connection, kFirstDue) {}

std::optional<OtpRow> Reads::find_otp(std::string_view name_space, std::string_view id) {
  Statement::Run run(find_otp_, name_space, id);
  auto row = read_one(run);
  // SQLite takes the index's word for it. In a damaged file that can be another's row.
  if (row && (row->otp.name_space != name_space || row->otp.id != id))
    throw SqlError(SQLITE_CORRUPT, "the index of the OTPs names a wrong row");
  return row;
}

std::optional<OtpRow> Reads::find_otp(int64_t row) {
  Statement::Run run(find_otp_row_, row);
  return read_one(run);
}

std::optional<OtpRow> Reads::read_one(Statement::Run& run) {
  if (!run.row()) return {};
  auto row = read_otp(run);
  row.otp.delivery = read_delivery(run, kOtpColumns);
  row.otp.queued_at = run.integer(kOtpColumns + 4);
  for (auto& step : row.otp.fallback.steps) {
    if (step.job != 0) step.delivery = delivery(step.job);
  }
  return row;
}

otp::Delivery Reads::delivery(int64_t job) {
  Statement::Run run(delivery_, job);
  return run.row() ? read_delivery(run, 0) : otp::Delivery{};
}

std::vector<std::pair<std::string, std::string>> Reads::descriptors() {
  std::vector<std::pair<std::string, std::string>> all;
  Statement::Run run(descriptors_);
  while (run.row()) all.emplace_back(run.text(0), run.text(1));
  return all;
}

Queue Reads::queue(std::string_view provider, int64_t limit) {
  Queue queue;
  Statement::Run count(count_queued_, provider, limit);
  if (count.row()) queue.jobs = count.integer(0);
  Statement::Run first(first_due_, provider);
  if (first.row()) queue.first_due_at = first.integer(0);
  return queue;
}

Tables::Tables(Connection& connection)
    : Reads(connection),
      connection_(connection),
      insert_otp_(
          connection,
          "INSERT INTO otp (namespace, id, address, address_normalised, address_from_page, provider, "
          "channel_description, address_description, extra, attempts, max_attempts, generate, max_generate, "
          "closed, skip_delete, code_is_digits, code_length, code_hash, code_sealed, expires_at, keep_until, "
          "job, fallback, step_ends_at, client, locale, return_url) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      update_otp_(
          connection,
          "UPDATE otp SET address = ?, address_normalised = ?, address_from_page = ?, provider = ?, "
          "channel_description = ?, address_description = ?, extra = ?, attempts = ?, max_attempts = ?, "
          "generate = ?, max_generate = ?, closed = ?, skip_delete = ?, code_is_digits = ?, code_length = ?, "
          "code_hash = ?, code_sealed = ?, expires_at = ?, keep_until = ?, job = ?, fallback = ?, "
          "step_ends_at = ?, client = ?, locale = ?, return_url = ? WHERE row = ?"),
      update_progress_(
          connection,
          "UPDATE otp SET attempts = ?, generate = ?, closed = ?, keep_until = ?, job = ? WHERE row = ?"),
      remove_otp_(connection, "DELETE FROM otp WHERE row = ?"),
      insert_job_(connection,
                  "INSERT INTO job (row, key, otp, provider, state, due_at, expires_at, attempt, tries, "
                  "deaths, detail, upstream_id, queued_at, first_job) "
                  "VALUES (?, ?, ?, ?, 1, ?, ?, 0, 0, 0, '', '', ?, ?)"),
      end_queued_(connection,
                  "UPDATE job SET state = 5 WHERE row = ? AND state = 1 RETURNING provider, first_job"),
      give_up_queued_(connection,
                      "UPDATE job SET state = 5, detail = ? WHERE row = ? AND state = 1 RETURNING provider"),
      find_job_(connection, "SELECT otp, state, attempt, expires_at, first_job FROM job WHERE row = ?"),
      is_live_(connection, "SELECT 1 FROM otp WHERE row = ? AND job = ? AND closed = 0"),
      jobs_of_sending_(connection,
                       "SELECT row, provider, state, tries, detail, upstream_id FROM job WHERE first_job = ? "
                       "AND first_job > 0 ORDER BY row"),
      update_job_(connection,
                  "UPDATE job SET state = ?, due_at = ?, tries = ?, deaths = ?, detail = ?, upstream_id = ? "
                  "WHERE row = ?"),
      steps_over_(connection,
                  "SELECT row FROM otp WHERE step_ends_at > 0 AND step_ends_at <= ? ORDER BY step_ends_at "
                  "LIMIT ?"),
      due_jobs_(connection, kDueJobs),
      mark_leased_(connection, "UPDATE job SET state = 2, attempt = attempt + 1 WHERE row = ?"),
      next_due_(connection, kFirstDue),
      requeue_(connection, "UPDATE job SET state = 1, due_at = ? WHERE state = 2"),
      expired_jobs_(connection, "SELECT row FROM job WHERE state = 1 AND expires_at <= ? LIMIT ?"),
      remove_otps_(
          connection,
          "DELETE FROM otp WHERE row IN (SELECT row FROM otp WHERE keep_until <= ? LIMIT ?) RETURNING row"),
      // A job is kept as long as its OTP can be (rules.h), so that an answer can still tell how its send
      // ended.
      remove_jobs_(
          connection,
          "DELETE FROM job WHERE row IN (SELECT row FROM job WHERE expires_at <= ? AND state >= 3 LIMIT ?) "
          "RETURNING row"),
      remove_answers_(connection,
                      "DELETE FROM answer WHERE scope IN (SELECT scope FROM answer WHERE expires_at <= ? "
                      "LIMIT ?) RETURNING 1"),
      find_answer_(connection,
                   "SELECT parameters, snapshot, job FROM answer WHERE scope = ? AND expires_at > ?"),
      save_answer_(connection, "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?)"),
      save_descriptor_(connection, "INSERT OR REPLACE INTO descriptor VALUES (?, ?)"),
      // Expired long ago, and of a scope that no answer has.
      try_to_write_(
          connection,
          "INSERT OR REPLACE INTO answer VALUES (zeroblob(1), zeroblob(0), zeroblob(65536), 0, 0)") {
  // The numbers in the SQL above.
  static_assert(static_cast<int>(DeliveryState::queued) == 1 &&
                static_cast<int>(DeliveryState::sending) == 2 && static_cast<int>(DeliveryState::sent) == 3 &&
                static_cast<int>(DeliveryState::expired) == 5);
  last_job_row_ = std::stoll(connection.ask(
      "SELECT max(coalesce((SELECT max(row) FROM job), 0), coalesce((SELECT max(job) FROM otp), 0), "
      "coalesce((SELECT max(job) FROM answer), 0))"));
}

void Tables::save_otp(OtpRow& row) {
  const auto& o = row.otp;
  const auto fallback = encode_fallback(o.fallback);
  if (row.row == 0) {
    Statement::Run(insert_otp_, o.name_space, o.id, o.to, o.to_normalised, o.to_from_page, o.provider,
                   o.channel_description, o.address_description, o.extra, o.attempts, o.max_attempts,
                   o.generate, o.max_generate, o.closed, o.skip_delete, o.code_is_digits, o.code_length,
                   AsBlob{o.code_hash}, AsBlob{o.code_sealed}, o.expires_at, o.keep_until, row.job,
                   AsBlob{fallback}, o.fallback.ends_at, AsBlob{o.client}, o.locale, o.return_url)
        .done();
    row.row = sqlite3_last_insert_rowid(connection_.get());
  } else {
    Statement::Run(update_otp_, o.to, o.to_normalised, o.to_from_page, o.provider, o.channel_description,
                   o.address_description, o.extra, o.attempts, o.max_attempts, o.generate, o.max_generate,
                   o.closed, o.skip_delete, o.code_is_digits, o.code_length, AsBlob{o.code_hash},
                   AsBlob{o.code_sealed}, o.expires_at, o.keep_until, row.job, AsBlob{fallback},
                   o.fallback.ends_at, AsBlob{o.client}, o.locale, o.return_url, row.row)
        .done();
  }
}

void Tables::update_progress(const OtpRow& row) {
  Statement::Run(update_progress_, row.otp.attempts, row.otp.generate, row.otp.closed, row.otp.keep_until,
                 row.job, row.row)
      .done();
}

void Tables::remove_otp(int64_t row) { Statement::Run(remove_otp_, row).done(); }

void Tables::insert_job(const OtpRow& row, otp::UnixMs now) {
  Statement::Run(insert_job_, row.job, otp::random_hex(16), row.row, row.otp.provider, now,
                 row.otp.expires_at, now, row.otp.has_fallback() ? row.sending() : 0)
      .done();
}

std::optional<EndedJob> Tables::end_if_queued(int64_t job) {
  Statement::Run run(end_queued_, job);
  if (!run.row()) return {};
  const auto first_job = run.integer(1);
  EndedJob ended{first_job ? first_job : job, run.text(0)};
  run.done();
  return ended;
}

std::optional<EndedJob> Tables::give_up_if_queued(int64_t job, std::string_view detail) {
  Statement::Run run(give_up_queued_, detail, job);
  if (!run.row()) return {};
  EndedJob ended{0, run.text(0)};
  run.done();
  return ended;
}

std::optional<Tables::JobRow> Tables::find_job(int64_t job) {
  Statement::Run run(find_job_, job);
  if (!run.row()) return {};
  const auto first_job = run.integer(4);
  return JobRow{run.integer(0),
                static_cast<DeliveryState>(run.integer(1)),
                static_cast<uint32_t>(run.integer(2)),
                run.integer(3),
                first_job ? first_job : job,
                first_job != 0};
}

bool Tables::is_live(int64_t job, const JobRow& row) {
  Statement::Run run(is_live_, row.otp, job);
  return run.row();
}

std::vector<Tables::StepJob> Tables::jobs_of_sending(int64_t first_job) {
  std::vector<StepJob> jobs;
  Statement::Run run(jobs_of_sending_, first_job);
  while (run.row()) jobs.push_back({run.integer(0), run.text(1), read_delivery(run, 2)});
  return jobs;
}

void Tables::update_job(const JobOutcome& outcome, DeliveryState state) {
  Statement::Run(update_job_, static_cast<int>(state), outcome.due_at, outcome.tries, outcome.deaths,
                 outcome.detail, outcome.upstream_id, outcome.row)
      .done();
}

std::vector<LeasedJob> Tables::due_jobs(const std::string& provider, otp::UnixMs now, int limit) {
  std::vector<LeasedJob> jobs;
  Statement::Run run(due_jobs_, provider, now, limit);
  while (run.row()) {
    LeasedJob job;
    if (!run.is_null(0)) job.otp = read_otp(run).otp;
    job.row = run.integer(kOtpColumns);
    job.key = run.text(kOtpColumns + 1);
    job.attempt = static_cast<uint32_t>(run.integer(kOtpColumns + 2));
    job.tries = static_cast<int>(run.integer(kOtpColumns + 3));
    job.deaths = static_cast<int>(run.integer(kOtpColumns + 4));
    job.queued_at = run.integer(kOtpColumns + 5);
    const auto first_job = run.integer(kOtpColumns + 6);
    job.sending = first_job == 0 ? job.row : job.otp.id.empty() ? 0 : first_job;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void Tables::mark_leased(int64_t job) { Statement::Run(mark_leased_, job).done(); }

std::optional<otp::UnixMs> Tables::next_due_at(const std::string& provider) {
  Statement::Run run(next_due_, provider);
  if (!run.row()) return {};
  return run.integer(0);
}

void Tables::requeue_leased(otp::UnixMs now) { Statement::Run(requeue_, now).done(); }

std::vector<EndedJob> Tables::end_expired_jobs(otp::UnixMs now, int limit) {
  std::vector<int64_t> rows;
  {
    Statement::Run run(expired_jobs_, now, limit);
    while (run.row()) rows.push_back(run.integer(0));
  }
  std::vector<EndedJob> jobs;
  for (const auto row : rows) {
    if (auto ended = end_if_queued(row)) jobs.push_back(std::move(*ended));
  }
  return jobs;
}

std::vector<int64_t> Tables::steps_over(otp::UnixMs now, int limit) {
  std::vector<int64_t> rows;
  Statement::Run run(steps_over_, now, limit);
  while (run.row()) rows.push_back(run.integer(0));
  return rows;
}

bool Tables::remove_dead(otp::UnixMs now, int limit) {
  const auto count = [](Statement::Run&& run) {
    int rows = 0;
    while (run.row()) ++rows;
    return rows;
  };
  bool more = count(Statement::Run(remove_otps_, now, limit)) == limit;
  more |= count(Statement::Run(remove_jobs_, now - otp::kClosedKeptMs, limit)) == limit;
  return more | (count(Statement::Run(remove_answers_, now, limit)) == limit);
}

std::optional<Tables::AnswerRow> Tables::find_answer(std::string_view scope, otp::UnixMs now) {
  Statement::Run run(find_answer_, AsBlob{scope}, now);
  if (!run.row()) return {};
  return AnswerRow{run.text(0), run.text(1), run.integer(2)};
}

void Tables::save_answer(std::string_view scope, const AnswerRow& answer, otp::UnixMs expires_at) {
  Statement::Run(save_answer_, AsBlob{scope}, AsBlob{answer.parameters}, AsBlob{answer.snapshot}, answer.job,
                 expires_at)
      .done();
}

void Tables::save_descriptor(std::string_view provider, std::string_view bytes) {
  Statement::Run(save_descriptor_, provider, AsBlob{bytes}).done();
}

void Tables::try_to_write() { Statement::Run(try_to_write_).done(); }

}  // namespace otpgw::store::sqlite
