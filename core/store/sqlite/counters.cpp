#include "core/store/sqlite/counters.h"

#include <utility>

namespace otpgw::store::sqlite {
namespace {

int64_t count_rows(Connection& connection) {
  return std::stoll(connection.ask("SELECT count(*) FROM counter"));
}

}  // namespace

CounterReads::CounterReads(Connection& connection)
    : find_(connection, "SELECT windows FROM counter WHERE key = ?") {}

std::vector<limits::Windows> CounterReads::find(const limits::Accounts& accounts) {
  std::vector<limits::Windows> found;
  found.reserve(accounts.size());
  for (const auto& account : accounts) {
    Statement::Run run(find_, AsBlob{account.key});
    found.push_back(run.row() ? limits::decode(run.text(0)) : limits::Windows());
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
      update_(connection, "UPDATE counter SET windows = ? WHERE key = ?"),
      remove_(connection, "DELETE FROM counter WHERE key = ? RETURNING 1"),
      remove_dead_(connection,
                   "DELETE FROM counter WHERE key IN (SELECT key FROM counter WHERE ends_at <= ? LIMIT ?) "
                   "RETURNING 1"),
      remove_first_(connection,
                    "DELETE FROM counter WHERE key IN (SELECT key FROM counter ORDER BY ends_at LIMIT 1)") {}

void Counters::count(const limits::Accounts& accounts, const std::vector<limits::Windows>& before,
                     otp::UnixMs now) {
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto& account = accounts[i];
    const auto after = limits::counted(before[i], *account.rates, now);
    const auto bytes = limits::encode(after);
    const auto ends_at = limits::ends_at(after);
    if (ends_at == limits::ends_at(before[i])) {
      Statement::Run(update_, AsBlob{bytes}, AsBlob{account.key}).done();
      continue;
    }
    if (before[i].empty()) make_room();
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
  Statement::Run run(remove_dead_, now, limit);
  while (run.row()) ++removed;
  rows_ -= removed;
  counted_ = false;
  return removed == limit;
}

}  // namespace otpgw::store::sqlite
