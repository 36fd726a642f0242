// The one thread that writes, with group commit: it takes all writes that have gathered into one transaction
// and calls their callers back after its COMMIT. The commit's fsync is what a write costs; shared, it costs
// each a fraction.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/ops/metrics.h"
#include "core/store/sqlite/sql.h"
#include "core/store/store.h"

namespace otpgw::store::sqlite {

// More would hold the next callers too long (measured: no gain beyond).
inline constexpr std::size_t kBatchMax = 512;
// Beyond this, writes are refused as unavailable: the disk does not keep up.
inline constexpr std::size_t kQueueMax = 65'536;

class Writer {
 public:
  struct Write {
    // Runs inside the transaction, on the writer's thread; may run twice (its batch is retried one by one
    // when one of it fails), so it must leave nothing behind but what it wrote.
    std::move_only_function<void()> run;
    // After COMMIT (nothing), or the reason that it did not happen.
    std::move_only_function<void(std::optional<Error>)> done;
  };

  // All are called on the writer's thread.
  struct Hooks {
    std::function<void()> committed;  // after each commit, after the writes' own `done`
    std::function<void()>
        try_to_write;            // writes something, in a transaction of its own: can it be done again?
    std::function<void()> tidy;  // after each commit; may throw SqlError, of which only a fatal one matters
    std::function<void(const std::string&)> broken;  // once, when nothing more can be written
  };
  // `connection` is used by the writer's thread alone from now on. `metrics` may be null.
  Writer(Connection& connection, Hooks hooks, ops::Metrics* metrics);
  ~Writer();

  void submit(Write write);  // any thread
  void close();              // finishes what was submitted
  [[nodiscard]] bool writable() const { return writable_; }

 private:
  void run();
  // The reason it failed, or nothing.
  std::optional<Error> commit(std::vector<Write>& batch, std::size_t first, std::size_t count);
  Error failed(const SqlError& error);
  void try_to_write();
  void tidy();

  Connection& connection_;
  Hooks hooks_;
  ops::Metrics* metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Write> queue_;  // mutex_
  bool closing_ = false;      // mutex_
  std::atomic<bool> writable_ = true;
  std::atomic<bool> broken_ = false;
  std::thread thread_;
};

}  // namespace otpgw::store::sqlite
