#include "core/limits/windows.h"

#include <algorithm>

#include "core/wire/bytes.h"

namespace otpgw::limits {
namespace {

// A window that ends later than one that began now comes from a clock that was wrong before a reboot: without
// this an address could be shut out for years.
bool is_live(const Window& window, otp::UnixMs now) {
  return window.ends_at > now && window.ends_at - now <= window.period_ms;
}

const Window* find_live(const Windows& windows, const config::Rate& rate, otp::UnixMs now) {
  const auto found = std::ranges::find(windows, rate.period.count(), &Window::period_ms);
  return found != windows.end() && is_live(*found, now) ? &*found : nullptr;
}

}  // namespace

std::optional<int64_t> wait_ms(const Windows& windows, const config::Rates& rates, otp::UnixMs now,
                               int64_t pending) {
  std::optional<int64_t> wait;
  for (const auto& rate : rates) {
    const auto* window = find_live(windows, rate, now);
    if ((window ? window->count : 0) + pending < rate.count) continue;
    const bool full = window && window->count >= rate.count;  // else what is pending may end at any moment
    wait = std::max(wait.value_or(1), full ? window->ends_at - now : 1);
  }
  return wait;
}

std::optional<Over> over(const Accounts& accounts, const std::vector<Windows>& windows, otp::UnixMs now,
                         int64_t pending) {
  std::optional<Over> longest;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto wait = wait_ms(windows[i], *accounts[i].rates, now, pending);
    if (wait && (!longest || *wait > longest->wait_ms)) longest = {accounts[i].limit, *wait};
  }
  return longest;
}

Windows counted(const Windows& windows, const config::Rates& rates, otp::UnixMs now) {
  Windows after;
  for (const auto& rate : rates) {
    const auto* window = find_live(windows, rate, now);
    after.push_back(window ? *window : Window{rate.period.count(), 0, now + rate.period.count()});
    ++after.back().count;
  }
  return after;
}

otp::UnixMs ends_at(const Windows& windows) {
  otp::UnixMs last = 0;
  for (const auto& window : windows) last = std::max(last, window.ends_at);
  return last;
}

std::string encode(const Windows& windows) {
  wire::ByteWriter out;
  for (const auto& window : windows) out.put(window.period_ms).put(window.count).put(window.ends_at);
  return out.take();
}

Windows decode(std::string_view bytes) {
  constexpr std::size_t kWindowBytes = 3 * sizeof(int64_t);
  if (bytes.size() % kWindowBytes != 0) return {};
  Windows windows(bytes.size() / kWindowBytes);
  wire::ByteReader in(bytes);
  for (auto& window : windows) in.get(window.period_ms).get(window.count).get(window.ends_at);
  return windows;
}

}  // namespace otpgw::limits
