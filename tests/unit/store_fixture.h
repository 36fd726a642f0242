// A real database file in a temporary folder, a clock in hand; each write is waited for.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>

#include "core/ops/metrics.h"
#include "core/store/sqlite/sqlite_store.h"
#include "core/store/store.h"

namespace otpgw::store {

namespace fs = std::filesystem;
using otp::DeliveryState;
using otp::Verdict;

class HandClock final : public otp::Clock {
 public:
  [[nodiscard]] otp::UnixMs now() const override { return now_ms; }
  std::atomic<otp::UnixMs> now_ms = 1'000'000'000'000;
};

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "store_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
    open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  void open() {
    store_.reset();
    auto opened = sqlite::open_store(file(), clock_,
                                     {.jobs_queued =
                                          [this](const std::string& provider) {
                                            std::lock_guard lock(mutex_);
                                            queued_for_.push_back(provider);
                                          },
                                      .broken = [](const std::string& reason) { ADD_FAILURE() << reason; }},
                                     {.metrics = &metrics_});
    ASSERT_TRUE(opened) << opened.error().line;
    store_ = std::move(*opened);
  }
  [[nodiscard]] fs::path file() const { return folder_ / "otp.db"; }

  // Calls a write and waits for its end.
  template <class T, class Call>
  std::expected<T, Error> await(Call call) {
    std::promise<std::expected<T, Error>> promise;
    auto future = promise.get_future();
    call([&promise](std::expected<T, Error> result) { promise.set_value(std::move(result)); });
    return future.get();
  }
  Written put(otp::Otp wanted, std::optional<otp::Idempotency> key = {}) {
    return *await<Written>(
        [&](auto done) { store_->put(std::move(wanted), std::move(key), policy_, std::move(done)); });
  }
  Written check(const std::string& id, const std::string& hash, std::optional<otp::Idempotency> key = {}) {
    return *await<Written>([&](auto done) {
      store_->check("app", id, {.hashes = {hash}, .digits_hashes = {hash}, .skip_delete = {}}, std::move(key),
                    policy_, std::move(done));
    });
  }
  Lease lease(int limit = 10, const std::string& provider = "smtp") {
    return *await<Lease>([&](auto done) { store_->lease(provider, limit, std::move(done)); });
  }
  JobEnd finish_job(const LeasedJob& job, DeliveryState state, int64_t due_in_ms = 0) {
    JobOutcome outcome{.row = job.row,
                       .attempt = job.attempt,
                       .state = state,
                       .due_at = clock_.now() + due_in_ms,
                       .tries = job.tries + 1,
                       .deaths = job.deaths,
                       .detail = "detail",
                       .upstream_id = "up-1",
                       .provider = job.otp.provider};
    return await<JobEnds>([&](auto done) { store_->finish({outcome}, std::move(done)); })->at(0);
  }
  DeliveryState finish(const LeasedJob& job, DeliveryState state, int64_t due_in_ms = 0) {
    return finish_job(job, state, due_in_ms).state;
  }
  // The sendings that ended, 0 for a step that was left.
  std::vector<int64_t> sweep() {
    std::vector<int64_t> sendings;
    const auto swept = await<Swept>([&](auto done) { store_->sweep(std::move(done)); });
    for (const auto& job : swept->ended) sendings.push_back(job.sending);
    return sendings;
  }
  // What the listener has been told of all that was awaited. It is told after the caller, so one more write
  // is.
  std::vector<std::string> queued_for() {
    static_cast<void>(lease(1, "nobody"));
    std::lock_guard lock(mutex_);
    return queued_for_;
  }
  std::optional<otp::Otp> find(const std::string& id) {
    auto found = store_->find("app", id);
    store_->end_reads();
    return found.value();
  }

  otp::Otp otp(const std::string& id, const std::string& to = "john@doe.example") const {
    otp::Otp otp;
    otp.name_space = "app";
    otp.id = id;
    otp.to = otp.to_normalised = to;
    otp.provider = "smtp";
    otp.channel_description = "channel";
    otp.address_description = "address";
    otp.extra = R"({"yes": true})";
    otp.max_attempts = 5;
    otp.max_generate = 3;
    otp.code_length = 6;
    otp.code_hash = std::string("ri\0ght", 6);  // bytes, not text
    otp.code_sealed = std::string("se\0aled", 7);
    otp.expires_at = otp.keep_until = clock_.now() + 300'000;
    return otp;
  }
  otp::Otp listed(const std::string& id) const {
    auto otp = this->otp(id, "1");
    otp.provider = "whatsapp";
    otp.fallback.steps = {{"whatsapp", "+1", 0, {}}, {"sms", "+2", 0, {}}};
    otp.fallback.timeout_ms = 20'000;
    return otp;
  }
  static void sql(const fs::path& path, const char* text) {
    sqlite3* raw = nullptr;
    sqlite3_open(path.c_str(), &raw);
    EXPECT_EQ(sqlite3_exec(raw, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_close(raw);
  }
  PolicyPtr policy_;  // none: no limits
  const std::string right_ = std::string("ri\0ght", 6);

  fs::path folder_;
  HandClock clock_;
  ops::Metrics metrics_{"test"};
  std::unique_ptr<Store> store_;
  std::mutex mutex_;
  std::vector<std::string> queued_for_;
};

}  // namespace otpgw::store
