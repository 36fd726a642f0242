// The default engine: one SQLite file. core/store/DESIGN.md says why it is built as it is.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "core/ops/metrics.h"
#include "core/otp/otp.h"
#include "core/start_error.h"
#include "core/store/store.h"

namespace otpgw::store::sqlite {

// Counters of limits: some 120 bytes each.
inline constexpr int64_t kCountersMax = 1'000'000;

struct Options {
  int64_t min_free_bytes = 0;       // with less free on its file system, put() is unavailable; 0: never
  ops::Metrics* metrics = nullptr;  // must outlive the store; may be null
  int64_t counters_max = kCountersMax;
  // How long a copy of what was removed may stay in the write-ahead log. Emptying it costs two syncs.
  std::chrono::milliseconds log_kept{60'000};
};

// Opens (or makes) the database and puts jobs that a former core had leased back into the queue. The error is
// one line with the file and what to do; a damaged database, or another program's, does not pass. The clock
// must outlive the store.
[[nodiscard]] std::expected<std::unique_ptr<Store>, StartError> open_store(const std::filesystem::path& file,
                                                                           const otp::Clock& clock,
                                                                           Listener listener,
                                                                           const Options& options = {});

}  // namespace otpgw::store::sqlite
