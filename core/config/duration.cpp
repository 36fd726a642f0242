#include "core/config/duration.h"

#include <charconv>
#include <cmath>

namespace otpgw::config {
namespace {

constexpr double kMillisecondsMax = 366.0 * 24 * 3600 * 1000;

// Milliseconds in the unit that `text` starts with, which is taken off; 0 when it is none.
double take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    double milliseconds;
  };
  // "ms" stands before "m", or it would be read as minutes.
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return unit.milliseconds;
    }
  }
  return 0;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  for (bool first = true; !text.empty(); first = false) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number) || std::signbit(number)) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool bare = text.empty() && first;
    const double unit = bare ? 1000 : take_unit(text);
    if (unit == 0) return std::nullopt;
    total += number * unit;
    if (total > kMillisecondsMax) return std::nullopt;
  }
  return std::chrono::milliseconds(std::llround(total));
}

}  // namespace otpgw::config
