#include "core/store/sqlite/writer.h"

#include <pthread.h>

#include <algorithm>

namespace otpgw::store::sqlite {
Writer::Writer(Connection& connection, Hooks hooks, ops::Metrics* metrics)
    : connection_(connection), hooks_(std::move(hooks)), metrics_(metrics), thread_([this] { run(); }) {
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
  if (metrics_) metrics_->store_failed(broken_);
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
      hooks_.committed();
      tidy();
    }
    batch.clear();
  }
}

std::optional<Error> Writer::commit(std::vector<Write>& batch, std::size_t first, std::size_t count) {
  if (broken_) return Error::broken;
  const auto began = std::chrono::steady_clock::now();
  try {
    const auto changes = sqlite3_total_changes64(connection_.get());
    connection_.exec("BEGIN IMMEDIATE");
    for (auto i = first; i < first + count; ++i) batch[i].run();
    connection_.exec("COMMIT");
    // A commit that wrote nothing proves nothing.
    if (sqlite3_total_changes64(connection_.get()) != changes) {
      writable_ = true;
      if (metrics_) metrics_->committed(count, std::chrono::steady_clock::now() - began);
    } else if (!writable_) {
      try_to_write();
    }
    return {};
  } catch (const SqlError& error) {
    return failed(error);
  }
}

void Writer::tidy() {
  if (broken_) return;
  try {
    hooks_.tidy();
  } catch (const SqlError& error) {
    if (error.fatal()) failed(error);
  }
}

// A gateway that is not ready gets no requests, so none of theirs would ever show that the disk has space
// again.
void Writer::try_to_write() {
  try {
    hooks_.try_to_write();
    writable_ = true;
  } catch (const SqlError& error) {
    failed(error);
  }
}

Error Writer::failed(const SqlError& error) {
  // SQLITE_FULL rolls back by itself; a second ROLLBACK then only says so.
  if (sqlite3_get_autocommit(connection_.get()) == 0) {
    sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  writable_ = false;
  if (metrics_) metrics_->store_failed(error.fatal());
  if (!error.fatal()) return Error::unavailable;
  if (!broken_.exchange(true)) hooks_.broken(error.what());
  return Error::broken;
}

}  // namespace otpgw::store::sqlite
