// How the gateway stands at one moment: what a scrape of the metrics and the question for readiness are
// answered from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace otpgw::ops {

// Whether a provider is given jobs. The numbers are shown in the metrics.
enum class Breaker : uint8_t { closed = 0, half_open = 1, open = 2 };
[[nodiscard]] constexpr const char* to_string(Breaker breaker) {
  switch (breaker) {
    case Breaker::closed:
      return "closed";
    case Breaker::half_open:
      return "half-open";
    case Breaker::open:
      return "open";
  }
  return "open";
}

struct ProviderNow {
  std::string id;
  int workers = 0;  // that would take a job, or do once one of theirs has ended
  int jobs_in_flight = 0;
  Breaker breaker = Breaker::closed;
  int64_t jobs_queued = 0;
  int64_t oldest_due_ms = 0;  // how long the oldest due job has been due
};

struct StoreNow {
  bool writable = true;
  bool takes_new_otps = true;  // false: less than store.min_free is free
  int64_t free_bytes = 0;      // on its file system
  int64_t wal_bytes = 0;       // of its write-ahead log
};

struct Snapshot {
  bool stopping = false;
  std::size_t connections = 0;
  StoreNow store{};
  std::vector<ProviderNow> providers{};  // enabled ones, by id
};

}  // namespace otpgw::ops
