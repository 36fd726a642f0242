// Power cuts. Goal: whatever a power cut leaves of the files, the database opens, and everything that the
// store acknowledged is in it: no OTP, no send job, no counted guess, no delivery's end is lost, and the
// counter of an address has each of its guesses. Method: the store on a VFS that fails at a random operation
// and keeps a random part of what was not synced; then the store opened on what is left and held against the
// list of acknowledgements. Without syncs the same run must lose something.
//
//   power_cut CUTS [--without-sync]      prints a table; exit 0 when nothing was lost (without sync: when
//   something was)
#include <sqlite3.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "core/limits/policy.h"
#include "core/store/sqlite/sqlite_store.h"
#include "power_cut_vfs.h"

namespace {

namespace fs = std::filesystem;
using otpgw::limits::Policy;
using otpgw::otp::DeliveryState;
using otpgw::otp::Otp;
using otpgw::otp::Verdict;
using otpgw::store::Store;
using otpgw::test::PowerCutVfs;

constexpr int kCutsOfOneDatabase = 20;  // then a new one: an old one makes each check slow
constexpr int kInFlight = 16;
constexpr int kWritesOfOneRun = 400;
constexpr int64_t kNever = 1'000'000'000;  // guesses

// What the store has acknowledged of one OTP, and what it may have done beyond.
struct Known {
  int attempts = 1, attempts_asked = 1;
  bool sent = false;
};

struct Totals {
  long cuts = 0, acknowledged = 0, lost = 0, unreadable = 0, at_start = 0;
};

class Calendar final : public otpgw::otp::Clock {
 public:
  [[nodiscard]] otpgw::otp::UnixMs now() const override { return 1'000'000'000'000; }
};

// One database's life over several cuts.
class History {
 public:
  History(fs::path folder, std::minstd_rand& random, bool syncs_work, Totals& totals)
      : folder_(std::move(folder)), random_(random), syncs_work_(syncs_work), totals_(totals) {
    fs::create_directories(folder_);
  }

  void cut() {
    ++totals_.cuts;
    // Early ones meet the making of the file; late ones checkpoints.
    const int scale = std::uniform_int_distribution(0, 3)(random_);
    PowerCutVfs::instance().arm(std::uniform_int_distribution(1, scale == 0 ? 40 : 4000)(random_),
                                syncs_work_);
    run();
    const auto next = folder_.string() + "+";
    PowerCutVfs::instance().restore(next, random_);
    fs::remove_all(folder_);
    folder_ = next;
    verify();
  }

 private:
  [[nodiscard]] std::unique_ptr<Store> open() {
    auto store = otpgw::store::sqlite::open_store(
        folder_ / "otp.db", clock_, {.jobs_queued = [](const auto&) {}, .broken = [](const auto&) {}});
    return store ? std::move(*store) : nullptr;
  }

  // Writes until the power fails.
  void run() {
    auto store = open();
    if (!store) {
      ++totals_.at_start;
      return;
    }
    end_deliveries(*store);
    for (int i = 0; i < kWritesOfOneRun && !PowerCutVfs::instance().is_cut(); ++i) {
      wait_until_at_most(kInFlight - 1);
      random_() % 4 == 0 && knows_any() ? guess_wrong(*store) : put(*store);
    }
    wait_until_at_most(0);
    store->close();
  }

  bool knows_any() {
    std::lock_guard lock(mutex_);
    return !known_.empty();
  }

  void put(Store& store) {
    const auto id = "otp-" + std::to_string(++last_id_);
    begin();
    store.put(otp(id), {}, {}, [this, id](auto written) {
      if (written && written->verdict == Verdict::done) acknowledge([&] { known_[id]; });
      end();
    });
  }

  void guess_wrong(Store& store) {
    std::string id;
    {
      std::lock_guard lock(mutex_);
      const auto any = std::next(known_.begin(), static_cast<long>(random_() % known_.size()));
      id = any->first;
      ++any->second.attempts_asked;
    }
    begin();
    store.check(
        "app", id, {.hashes = {"wrong"}, .digits_hashes = {"wrong"}, .skip_delete = {}}, {}, policy(kNever),
        [this, id](auto written) {
          if (written && written->verdict == Verdict::wrong_code)
            acknowledge([&] { known_[id].attempts = std::max(known_[id].attempts, written->otp.attempts); });
          end();
        });
  }

  // Leases what there is and says of half of it that it was sent.
  void end_deliveries(Store& store) {
    begin();
    store.lease("smtp", 200, [this, &store](auto lease) {
      if (lease) {
        std::vector<otpgw::store::JobOutcome> outcomes;
        std::vector<std::string> ids;
        for (auto& job : lease->jobs) {
          if (random_job_++ % 2 == 0) continue;
          outcomes.push_back({.row = job.row,
                              .attempt = job.attempt,
                              .state = DeliveryState::sent,
                              .due_at = 0,
                              .tries = 1,
                              .deaths = 0,
                              .detail = {},
                              .upstream_id = {}});
          ids.push_back(job.otp.id);
        }
        begin();
        store.finish(std::move(outcomes), [this, ids](auto states) {
          if (states)
            acknowledge([&] {
              for (const auto& id : ids) known_[id].sent = true;
            });
          end();
        });
      }
      end();
    });
    wait_until_at_most(0);
  }

  void verify() {
    PowerCutVfs::instance().arm(INT64_MAX, true);
    auto store = open();
    if (!store || !is_sound()) {
      ++totals_.unreadable;
      totals_.lost += static_cast<long>(known_.size());
      known_.clear();
      fs::remove_all(folder_);
      fs::create_directories(folder_);
      return;
    }
    const auto queued = queued_ids(*store);
    for (auto entry = known_.begin(); entry != known_.end();) {
      auto& [id, known] = *entry;
      const auto found = store->find("app", id);
      const bool kept = found && *found && (*found)->attempts >= known.attempts &&
                        (*found)->attempts <= known.attempts_asked && counts(*store, **found) &&
                        (known.sent ? (*found)->delivery.state == DeliveryState::sent
                                    : queued.contains(id) || (*found)->delivery.state == DeliveryState::sent);
      if (kept) {
        known.attempts = (*found)->attempts;  // a guess may count though nobody heard of it
        known.attempts_asked = known.attempts;
        ++entry;
      } else {
        ++totals_.lost;
        entry = known_.erase(entry);
      }
    }
    store->end_reads();
    store->close();
    store.reset();
  }

  [[nodiscard]] std::shared_ptr<const Policy> policy(int64_t wrong_guesses_max) const {
    otpgw::config::Limits limits;
    limits.address_guesses = {{wrong_guesses_max, std::chrono::hours{24}}};
    return std::make_shared<const Policy>(limits, vault_);
  }

  // Has its address' counter just the guesses that it has itself?
  [[nodiscard]] bool counts(Store& store, const Otp& otp) const {
    const auto reached = [&](int64_t wrong_guesses) {
      const auto asked = policy(wrong_guesses);
      const auto over = store.over(asked->guesses(otp), 0);
      return over && *over;
    };
    const int64_t wrong_guesses = otp.attempts - 1;
    return (wrong_guesses == 0 || reached(wrong_guesses)) && !reached(wrong_guesses + 1);
  }

  std::set<std::string> queued_ids(Store& store) {
    std::set<std::string> ids;
    begin();
    store.lease("smtp", 1'000'000, [&](auto lease) {
      if (lease)
        for (const auto& job : lease->jobs) ids.insert(job.otp.id);
      end();
    });
    wait_until_at_most(0);
    return ids;
  }

  [[nodiscard]] bool is_sound() const {
    sqlite3* handle = nullptr;
    std::string answer;
    if (sqlite3_open_v2((folder_ / "otp.db").c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
      sqlite3_exec(
          handle, "PRAGMA integrity_check",
          [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) += values[0];
            return 0;
          },
          &answer, nullptr);
    }
    sqlite3_close(handle);
    return answer == "ok";
  }

  [[nodiscard]] static Otp otp(const std::string& id) {
    Otp otp;
    otp.name_space = "app";
    otp.id = id;
    otp.to = otp.to_normalised = id + "@mail.example";
    otp.provider = "smtp";
    otp.max_attempts = 1'000'000;
    otp.max_generate = 3;
    otp.code_length = 6;
    otp.code_hash = "right";
    otp.code_sealed = std::string(200, 's');
    otp.expires_at = otp.keep_until = 1'000'000'000'000 + 300'000;
    return otp;
  }

  void begin() {
    std::lock_guard lock(mutex_);
    ++in_flight_;
  }
  void end() {
    std::lock_guard lock(mutex_);
    --in_flight_;
    changed_.notify_one();
  }
  void wait_until_at_most(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return in_flight_ <= count; });
  }
  void acknowledge(auto remember) {
    std::lock_guard lock(mutex_);
    remember();
    ++totals_.acknowledged;
  }

  fs::path folder_;
  std::minstd_rand& random_;
  const bool syncs_work_;
  Totals& totals_;
  Calendar clock_;
  const otpgw::otp::CodeVault vault_{{otpgw::otp::Key{1}}};
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;                   // under mutex_, like all below
  std::map<std::string, Known> known_;  // by id
  long last_id_ = 0;
  long random_job_ = 0;  // the store's thread
};

}  // namespace

int main(int count, char** words) {
  const char* const is_long = std::getenv("OTPGW_LONG");
  const long cuts = (count > 1 ? std::atol(words[1]) : 0) * (is_long != nullptr && *is_long == '1' ? 50 : 1);
  const bool syncs_work = count < 3 || std::strcmp(words[2], "--without-sync") != 0;
  if (cuts <= 0) {
    std::fputs("Usage: power_cut CUTS [--without-sync]\n", stderr);
    return 2;
  }
  const auto seed = std::random_device{}();
  std::minstd_rand random(seed);
  std::string folder = (fs::temp_directory_path() / "power_cut.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 2;
  PowerCutVfs::instance();
  Totals totals;
  while (totals.cuts < cuts) {
    History history(fs::path(folder) / "db", random, syncs_work, totals);
    for (int i = 0; i < kCutsOfOneDatabase && totals.cuts < cuts; ++i) history.cut();
    for (const auto& left : fs::directory_iterator(folder)) fs::remove_all(left);
    if (totals.cuts % 1000 == 0)
      std::fprintf(stderr, "%ld of %ld cuts, %ld lost\n", totals.cuts, cuts, totals.lost);
  }
  fs::remove_all(folder);
  std::printf(
      "seed %u\n\n  %-12s  faults  acknowledged  lost  duplicated  late  while opening  unreadable\n"
      "  %-12s  %6ld  %12ld  %4ld  %10s  %4s  %13ld  %10ld\n",
      seed, "power cuts", syncs_work ? "" : "without sync", totals.cuts, totals.acknowledged, totals.lost,
      "-", "-", totals.at_start, totals.unreadable);
  const bool none_lost = totals.lost == 0 && totals.unreadable == 0 && totals.acknowledged > 0;
  return none_lost == syncs_work ? 0 : 1;
}
