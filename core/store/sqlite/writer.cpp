#include "core/store/sqlite/writer.h"

#include <pthread.h>

#include <algorithm>

namespace otpgw::store::sqlite {
Writer::Writer(Connection& connection, std::function<void()> committed,
               std::function<void(const std::string&)> broken)
    : connection_(connection),
      committed_(std::move(committed)),
      broken_report_(std::move(broken)),
      thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "store");
}

Writer::~Writer() { close(); }

void Writer::submit(Write write) {
  {
    std::lock_guard lock(mutex_);
    if (!closing_ && !broken_ && queue_.size() < kQueueMax) {
      queue_.push_back(std::move(write));
      if (queue_.size() == 1) changed_.notify_one();
      return;
    }
  }
  write.done(broken_ ? Error::broken : Error::unavailable);
}

void Writer::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Writer::run() {
  std::vector<Write> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;  // closing
      batch.swap(queue_);
    }
    for (std::size_t first = 0; first < batch.size(); first += kBatchMax) {
      const auto count = std::min(kBatchMax, batch.size() - first);
      auto error = commit(batch, first, count);
      if (error != Error::unavailable || count == 1) {
        for (auto i = first; i < first + count; ++i) batch[i].done(error);
      } else {
        // One write's own error must not be everybody's.
        for (auto i = first; i < first + count; ++i) batch[i].done(commit(batch, i, 1));
      }
      committed_();
    }
    batch.clear();
  }
}

std::optional<Error> Writer::commit(std::vector<Write>& batch, std::size_t first, std::size_t count) {
  if (broken_) return Error::broken;
  try {
    const auto changes = sqlite3_total_changes64(connection_.get());
    connection_.exec("BEGIN IMMEDIATE");
    for (auto i = first; i < first + count; ++i) batch[i].run();
    connection_.exec("COMMIT");
    // A commit that wrote nothing proves nothing.
    if (sqlite3_total_changes64(connection_.get()) != changes) writable_ = true;
    return {};
  } catch (const SqlError& error) {
    // SQLITE_FULL rolls back by itself; a second ROLLBACK then only says so.
    if (sqlite3_get_autocommit(connection_.get()) == 0) {
      sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    writable_ = false;
    if (!error.fatal()) return Error::unavailable;
    if (!broken_.exchange(true)) broken_report_(error.what());
    return Error::broken;
  }
}

}  // namespace otpgw::store::sqlite
