// The counters of limits as rows of one table: a keyed hash, and the windows of its rates as bytes. All SQL
// about them stands in counters.cpp. Made for one connection and used by its thread. Throws SqlError.
#pragma once

#include <string>
#include <vector>

#include "core/limits/limit.h"
#include "core/limits/windows.h"
#include "core/otp/otp.h"
#include "core/store/sqlite/sql.h"

namespace otpgw::store::sqlite {

// Counters as they stand, one for each account.
struct Found {
  std::vector<limits::Windows> windows;
  std::vector<int64_t> rows;  // 0: there is none yet
};

class CounterReads {
 public:
  explicit CounterReads(Connection& connection);
  [[nodiscard]] Found find(const limits::Accounts& accounts);

 private:
  Statement find_;
};

class Counters : public CounterReads {
 public:
  // At most `rows_max` counters are kept: for a further one, that goes which would be the first to end.
  // Refusing it instead would shut out everybody who is new, and to make an attacker's own guesses forgotten
  // takes that many sends first.
  Counters(Connection& connection, int64_t rows_max);

  // One event more for each; `before` is what find() gave in this transaction.
  void count(const limits::Accounts& accounts, const Found& before, otp::UnixMs now);
  // How many of these there were.
  int64_t forget(const std::vector<std::string>& keys);
  // Removes up to `limit` that have ended, or that end later than any that began now would: by a clock that
  // was ahead before a reboot they would stay for years and take the room of others. True when there may be
  // more.
  bool remove_dead(otp::UnixMs now, int limit);

 private:
  void make_room();

  Connection& connection_;
  const int64_t rows_max_;
  // As far as is known: what a transaction that failed had added or removed stays in it until all are counted
  // again, which is done before any has to go, once between two sweeps.
  int64_t rows_;
  bool counted_ = true;
  Statement save_, update_, remove_, remove_dead_, remove_first_;
};

}  // namespace otpgw::store::sqlite
