// Durations as people write them: "5s", "1m30s", "500ms", "1.5h".
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace otpgw::config {

// Numbers with units (ms, s, m, h), one after another; a number alone is seconds. Nothing when the text is
// none, is negative, or is longer than a year.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace otpgw::config
