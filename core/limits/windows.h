// Counting in fixed windows: each begins with its first event and ends a period later, whatever happens in
// it. Pure: the store keeps the windows of one counter together, as bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/limits/limit.h"
#include "core/otp/otp.h"

namespace otpgw::limits {

struct Window {
  int64_t period_ms = 0;
  int64_t count = 0;
  otp::UnixMs ends_at = 0;
  bool operator==(const Window&) const = default;
};
using Windows = std::vector<Window>;  // one for each rate that has had an event

// How long until all rates allow one more event; nothing when they do now. `pending` further events are not
// counted yet and may come to nothing.
[[nodiscard]] std::optional<int64_t> wait_ms(const Windows& windows, const config::Rates& rates,
                                             otp::UnixMs now, int64_t pending = 0);
// Of counters that stand so, the limit that has been reached and stays so the longest. `windows` has one for
// each account.
[[nodiscard]] std::optional<Over> over(const Accounts& accounts, const std::vector<Windows>& windows,
                                       otp::UnixMs now, int64_t pending = 0);
// The windows after one more event. Those of rates that are not configured any more go.
[[nodiscard]] Windows counted(const Windows& windows, const config::Rates& rates, otp::UnixMs now);
// When nothing of it counts any more.
[[nodiscard]] otp::UnixMs ends_at(const Windows& windows);

[[nodiscard]] std::string encode(const Windows& windows);
// Bytes that are none count nothing.
[[nodiscard]] Windows decode(std::string_view bytes);

}  // namespace otpgw::limits
