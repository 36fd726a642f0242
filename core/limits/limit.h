// The limits by name, and what became of asking one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"

namespace otpgw::limits {

enum class Limit : uint8_t {
  address_sends,
  address_guesses,
  client_sends,
  namespace_sends,
  prefix_sends,
  ip_posts,
  countries
};

// As the configuration calls it.
[[nodiscard]] std::string_view name(Limit limit);
// Why a request is refused, for whoever asked: names no address. Without its full stop.
[[nodiscard]] std::string_view sentence(Limit limit);

// One counter that an event is charged to.
struct Account {
  Limit limit;
  std::string key;             // a keyed hash: what it counts for can't be read from it
  const config::Rates* rates;  // of the Policy that made it
};
using Accounts = std::vector<Account>;

// A limit that has been reached.
struct Over {
  Limit limit = Limit::address_sends;
  int64_t wait_ms = 0;  // until an event may pass again
};

}  // namespace otpgw::limits
