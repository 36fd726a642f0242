// The default engine: one SQLite file. core/store/DESIGN.md says why it is built as it is.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "core/ops/metrics.h"
#include "core/otp/otp.h"
#include "core/store/store.h"

namespace otpgw::store::sqlite {

// Counters of limits: some 120 bytes each.
inline constexpr int64_t kCountersMax = 1'000'000;

// Opens (or makes) the database and puts jobs that a former core had leased back into the queue. The error is
// one line with the file and what to do. The clock must outlive the store. With less than `min_free_bytes`
// free on its file system, put() is unavailable; 0: never. `metrics`, which must outlive the store, may be
// null.
[[nodiscard]] std::expected<std::unique_ptr<Store>, std::string> open_store(
    const std::filesystem::path& file, const otp::Clock& clock, Listener listener, int64_t min_free_bytes = 0,
    ops::Metrics* metrics = nullptr, int64_t counters_max = kCountersMax);

}  // namespace otpgw::store::sqlite
