#include "core/store/sqlite/counters.h"

#include <utility>

namespace otpgw::store::sqlite {
namespace {

int64_t count_rows(Connection& connection) {
  return std::stoll(connection.ask("SELECT count(*) FROM counter"));
}

}  // namespace

CounterReads::CounterReads(Connection& connection)
    : find_(connection, "SELECT row, windows, key FROM counter WHERE key = ?") {}

Found CounterReads::find(const limits::Accounts& accounts) {
  Found found;
  for (const auto& account : accounts) {
    Statement::Run run(find_, AsBlob{account.key});
    const bool there = run.row();
    // SQLite takes the index's word for it, as in Reads::find_otp().
    if (there && run.text(2) != account.key)
      throw SqlError(SQLITE_CORRUPT, "the index of the counters names a wrong row");
    found.rows.push_back(there ? run.integer(0) : 0);
    found.windows.push_back(there ? limits::decode(run.text(1)) : limits::Windows());
  }
  return found;
}

Counters::Counters(Connection& connection, int64_t rows_max)
    : CounterReads(connection),
      connection_(connection),
      rows_max_(rows_max),
      rows_(count_rows(connection)),
      save_(connection, "INSERT OR REPLACE INTO counter (key, windows, ends_at) VALUES (?, ?, ?)"),
      // Leaves the index of ends_at alone.
      update_(connection, "UPDATE counter SET windows = ? WHERE row = ?"),
      remove_(connection, "DELETE FROM counter WHERE key = ? RETURNING 1"),
      remove_dead_(connection,
                   "DELETE FROM counter WHERE row IN "
                   "(SELECT row FROM counter WHERE ends_at <= ? OR ends_at > ? LIMIT ?) RETURNING 1"),
      remove_first_(connection,
                    "DELETE FROM counter WHERE row IN (SELECT row FROM counter ORDER BY ends_at LIMIT 1)") {}

void Counters::count(const limits::Accounts& accounts, const Found& before, otp::UnixMs now) {
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto& account = accounts[i];
    const auto after = limits::counted(before.windows[i], *account.rates, now);
    const auto bytes = limits::encode(after);
    const auto ends_at = limits::ends_at(after);
    if (ends_at == limits::ends_at(before.windows[i])) {
      Statement::Run(update_, AsBlob{bytes}, before.rows[i]).done();
      continue;
    }
    if (before.rows[i] == 0) make_room();
    Statement::Run(save_, AsBlob{account.key}, AsBlob{bytes}, ends_at).done();
  }
}

void Counters::make_room() {
  if (rows_ >= rows_max_ && !std::exchange(counted_, true)) rows_ = count_rows(connection_);
  for (; rows_ >= rows_max_; --rows_) Statement::Run(remove_first_).done();
  ++rows_;
}

int64_t Counters::forget(const std::vector<std::string>& keys) {
  int64_t removed = 0;
  for (const auto& key : keys) {
    Statement::Run run(remove_, AsBlob{key});
    while (run.row()) ++removed;
  }
  rows_ -= removed;
  return removed;
}

bool Counters::remove_dead(otp::UnixMs now, int limit) {
  int removed = 0;
  Statement::Run run(remove_dead_, now, now + config::kRatePeriodMax.count(), limit);
  while (run.row()) ++removed;
  rows_ -= removed;
  counted_ = false;
  return removed == limit;
}

}  // namespace otpgw::store::sqlite
