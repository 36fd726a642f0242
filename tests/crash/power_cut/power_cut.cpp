// Power cuts. Goal: whatever a power cut leaves of the files, the database opens, and everything that the
// store acknowledged is in it: no OTP, no send job, no counted guess, no delivery's end is lost, and no
// counter of a limit is lower than what was acknowledged. Method: the store on a VFS that fails at a random
// operation and keeps a random part of what was not synced (of some cuts all: what kill -9 leaves); then the
// store opened on what is left and held against the list of acknowledgements. The log is emptied each minute,
// or often, or after each commit, so that cuts fall there too. Three controls must lose something.
//
//   power_cut CUTS [CONTROL]     prints a table; exit 0 when nothing was lost (of a control: when something
//   was)
//     --without-sync             no sync does anything
//     --only-log-synced          the log is synced, and emptied though the database is not
//     --counted-apart            limits count a send in a transaction after its own
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "core/limits/policy.h"
#include "core/store/sqlite/counters.h"
#include "core/store/sqlite/database.h"
#include "core/store/sqlite/sqlite_store.h"
#include "power_cut_vfs.h"

namespace {

namespace fs = std::filesystem;
using otpgw::otp::DeliveryState;
using otpgw::otp::Otp;
using otpgw::otp::Verdict;
using otpgw::store::Store;
using otpgw::test::PowerCutVfs;
using Syncs = PowerCutVfs::Syncs;
namespace limits = otpgw::limits;

constexpr int kCutsOfOneDatabase = 20;  // then a new one: an old one makes each check slow
constexpr int kInFlight = 16;
constexpr int kWritesOfOneRun = 400;
constexpr int64_t kEventsMax = 1'000'000;  // of each limit: none is reached
constexpr std::chrono::milliseconds kLogKept[] = {std::chrono::milliseconds{0}, std::chrono::milliseconds{20},
                                                  std::chrono::minutes{1}};

// What the store has acknowledged of one OTP, and what it may have done beyond.
struct Known {
  int attempts = 1, attempts_asked = 1;
  bool sent = false;
};

// What a limit has counted of one address, client, namespace or prefix.
struct Counter {
  limits::Account account;
  int64_t acknowledged = 0, asked = 0;
};

struct Control {
  Syncs syncs = Syncs::all;
  bool counts_apart = false;
};
const std::map<std::string_view, Control> kControls = {{"", {}},
                                                       {"--without-sync", {.syncs = Syncs::none}},
                                                       {"--only-log-synced", {.syncs = Syncs::of_the_log}},
                                                       {"--counted-apart", {.counts_apart = true}}};

struct Totals {
  long cuts = 0, acknowledged = 0, lost = 0, counted = 0, miscounted = 0, unreadable = 0, at_start = 0;
  long emptied = 0, in_checkpoints = 0, at_the_end = 0;
};

class Calendar final : public otpgw::otp::Clock {
 public:
  [[nodiscard]] otpgw::otp::UnixMs now() const override { return now_ms; }
  std::atomic<otpgw::otp::UnixMs> now_ms = 1'000'000'000'000;
};

otpgw::config::Limits limits_that_count() {
  using std::chrono::hours;
  otpgw::config::Limits limits;
  limits.address_sends = {{kEventsMax, hours{1}}, {kEventsMax, hours{24}}};
  limits.address_guesses = limits.client_sends = limits.namespace_sends = limits.prefix_sends =
      limits.ip_posts = {{kEventsMax, hours{24}}};
  return limits;
}

// One database's life over several cuts.
class History {
 public:
  History(fs::path folder, std::minstd_rand& random, const Control& control, Totals& totals)
      : folder_(std::move(folder)), random_(random), control_(control), totals_(totals) {
    fs::create_directories(folder_);
  }

  void cut() {
    ++totals_.cuts;
    // Early ones meet the making of the file; late ones checkpoints.
    constexpr int kOperations[] = {40, 1000, 2000, 4000};
    PowerCutVfs::instance().arm(
        std::uniform_int_distribution(1, kOperations[random_() % std::size(kOperations)])(random_),
        control_.syncs);
    run();
    if (!PowerCutVfs::instance().is_cut()) ++totals_.at_the_end;
    totals_.emptied += PowerCutVfs::instance().times_emptied();
    const auto next = folder_.string() + "+";
    PowerCutVfs::instance().restore(next, random_);
    fs::remove_all(folder_);
    folder_ = next;
    verify();
  }

 private:
  [[nodiscard]] std::unique_ptr<Store> open() {
    auto store = otpgw::store::sqlite::open_store(
        database(), clock_, {.jobs_queued = [](const auto&) {}, .broken = [](const auto&) {}},
        {.log_kept = kLogKept[random_() % std::size(kLogKept)]});
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
      ++clock_.now_ms;
      const auto deed = random_() % 8;
      deed == 0 ? post_in_vain(*store) : deed < 3 && knows_any() ? guess_wrong(*store) : put(*store);
    }
    wait_until_at_most(0);
    store->close();
    store.reset();
    if (PowerCutVfs::instance().is_cut_in_checkpoint()) ++totals_.in_checkpoints;
  }

  bool knows_any() {
    std::lock_guard lock(mutex_);
    return !known_.empty();
  }

  void put(Store& store) {
    const auto id = "otp-" + std::to_string(++last_id_);
    const auto wanted = otp(id);
    const auto accounts = policy_->sends(wanted);
    ask(accounts);
    begin();
    store.put(wanted, {}, control_.counts_apart ? nullptr : policy_,
              [this, id, accounts, &store](auto written) {
                if (written && written->verdict == Verdict::done) {
                  acknowledge([&] { known_[id]; });
                  note(accounts);
                  if (control_.counts_apart) count(store, accounts, [](auto) {});
                }
                end();
              });
  }

  // A POST to a page that fails.
  void post_in_vain(Store& store) {
    const auto accounts = policy_->page_posts(a_client());
    ask(accounts);
    count(store, accounts, [this, accounts](auto counted) {
      if (counted) note(accounts);
    });
  }

  void count(Store& store, const limits::Accounts& accounts, auto done) {
    begin();
    store.count(accounts, policy_, [this, done](auto counted) {
      done(std::move(counted));
      end();
    });
  }

  void guess_wrong(Store& store) {
    std::string id;
    limits::Accounts accounts;
    {
      std::lock_guard lock(mutex_);
      const auto any = std::next(known_.begin(), static_cast<long>(random_() % known_.size()));
      id = any->first;
      ++any->second.attempts_asked;
    }
    accounts = policy_->guesses(otp(id));
    ask(accounts);
    begin();
    store.check(
        "app", id, {.hashes = {"wrong"}, .digits_hashes = {"wrong"}, .skip_delete = {}}, {}, policy_,
        [this, id, accounts](auto written) {
          if (written && written->verdict == Verdict::wrong_code) {
            acknowledge([&] { known_[id].attempts = std::max(known_[id].attempts, written->otp.attempts); });
            note(accounts);
          }
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
    PowerCutVfs::instance().arm(INT64_MAX, Syncs::all);
    auto store = open();
    if (!store || !is_sound()) {
      ++totals_.unreadable;
      totals_.lost += static_cast<long>(known_.size());
      known_.clear();
      counters_.clear();
      fs::remove_all(folder_);
      fs::create_directories(folder_);
      return;
    }
    const auto queued = queued_ids(*store);
    std::map<std::string, int64_t> guesses;  // that the OTPs have counted themselves, by counter
    for (auto entry = known_.begin(); entry != known_.end();) {
      auto& [id, known] = *entry;
      const auto found = store->find("app", id);
      if (found && *found) guesses[policy_->guesses(**found).at(0).key] += (*found)->attempts - 1;
      const bool kept = found && *found && (*found)->attempts >= known.attempts &&
                        (*found)->attempts <= known.attempts_asked &&
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
    verify_counters(guesses);
    store->close();
    store.reset();
  }

  void verify_counters(std::map<std::string, int64_t>& guesses) {
    auto connection = otpgw::store::sqlite::open_reader(database());
    otpgw::store::sqlite::CounterReads reads(connection);
    for (auto& [key, counter] : counters_) {
      const auto windows = reads.find({counter.account}).windows.at(0);
      bool kept = windows.size() == counter.account.rates->size() || counter.acknowledged == 0;
      for (const auto& window : windows)
        kept = kept && window.count >= counter.acknowledged && window.count <= counter.asked;
      if (counter.account.limit == limits::Limit::address_guesses)
        kept = kept && guesses[key] == (windows.empty() ? 0 : windows.front().count);
      if (!kept) ++totals_.miscounted;
      // An event may count though nobody heard of it.
      counter.acknowledged = counter.asked = windows.empty() ? 0 : windows.front().count;
    }
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
    if (sqlite3_open_v2(database().c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
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

  [[nodiscard]] fs::path database() const { return folder_ / "otp.db"; }
  [[nodiscard]] std::string a_client() { return "192.0.2." + std::to_string(random_() % 5); }

  // Always the same one of an id, but for its client.
  [[nodiscard]] Otp otp(const std::string& id) {
    Otp otp;
    otp.name_space = "app";
    otp.id = id;
    otp.to = otp.to_normalised = "+4915112345" + std::to_string(std::hash<std::string>()(id) % 8);
    otp.client = policy_->client_key("app", a_client());
    otp.provider = "smtp";
    otp.max_attempts = 1'000'000;
    otp.max_generate = 3;
    otp.code_length = 6;
    otp.code_hash = "right";
    otp.code_sealed = std::string(200, 's');
    otp.expires_at = otp.keep_until = 1'000'000'000'000 + 300'000;
    return otp;
  }

  void ask(const limits::Accounts& accounts) {
    std::lock_guard lock(mutex_);
    for (const auto& account : accounts) {
      auto& counter = counters_[account.key];
      counter.account = account;
      ++counter.asked;
    }
  }
  void note(const limits::Accounts& accounts) {
    std::lock_guard lock(mutex_);
    for (const auto& account : accounts) {
      ++counters_[account.key].acknowledged;
      ++totals_.counted;
    }
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
  const Control control_;
  Totals& totals_;
  Calendar clock_;
  const otpgw::otp::CodeVault vault_{{otpgw::otp::Key{1}}};
  const otpgw::store::PolicyPtr policy_ = std::make_shared<limits::Policy>(limits_that_count(), vault_);
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;                        // under mutex_, like all below
  std::map<std::string, Known> known_;       // by id
  std::map<std::string, Counter> counters_;  // by key
  long last_id_ = 0;
  long random_job_ = 0;  // the store's thread
};

}  // namespace

int main(int count, char** words) {
  const char* const is_long = std::getenv("OTPGW_LONG");
  const long cuts = (count > 1 ? std::atol(words[1]) : 0) * (is_long != nullptr && *is_long == '1' ? 50 : 1);
  const auto control = kControls.find(count > 2 ? words[2] : "");
  if (cuts <= 0 || control == kControls.end()) {
    std::fputs("Usage: power_cut CUTS [--without-sync | --only-log-synced | --counted-apart]\n", stderr);
    return 2;
  }
  const auto seed = std::random_device{}();
  std::minstd_rand random(seed);
  std::string folder = (fs::temp_directory_path() / "power_cut.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 2;
  PowerCutVfs::instance();
  Totals totals;
  while (totals.cuts < cuts) {
    History history(fs::path(folder) / "db", random, control->second, totals);
    for (int i = 0; i < kCutsOfOneDatabase && totals.cuts < cuts; ++i) history.cut();
    for (const auto& left : fs::directory_iterator(folder)) fs::remove_all(left);
    if (totals.cuts % 1000 == 0)
      std::fprintf(stderr, "%ld of %ld cuts, %ld lost\n", totals.cuts, cuts, totals.lost);
  }
  fs::remove_all(folder);
  std::printf(
      "seed %u\n\n"
      "  power cuts         faults  acknowledged  lost  duplicated  late  unreadable\n"
      "  %-17s  %6ld  %12ld  %4ld  %10s  %4s  %10ld\n"
      "  %-17s  %6ld  %12ld  %4ld  %10s  %4s  %10s\n"
      "  while opening %ld | in checkpoints %ld | after the end %ld | the log was emptied %ld times\n",
      seed, control->first.empty() ? "rows" : control->first.data() + 2, totals.cuts, totals.acknowledged,
      totals.lost, "-", "-", totals.unreadable, "limits' counters", totals.cuts, totals.counted,
      totals.miscounted, "-", "-", "-", totals.at_start, totals.in_checkpoints, totals.at_the_end,
      totals.emptied);
  const bool met_all = totals.acknowledged > 0 && totals.counted > 0 && totals.in_checkpoints > 0 &&
                       totals.emptied > totals.cuts;
  const bool rows_kept = totals.lost == 0 && totals.unreadable == 0;
  if (control->second.counts_apart) return rows_kept && totals.miscounted > 0 ? 0 : 1;
  if (control->second.syncs != Syncs::all) return rows_kept ? 1 : 0;
  return met_all && rows_kept && totals.miscounted == 0 ? 0 : 1;
}
