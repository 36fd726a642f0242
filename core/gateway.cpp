#include "core/gateway.h"

#include <Poco/Exception.h>
#include <Poco/String.h>
#include <pthread.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "core/admin.h"
#include "core/api/routes.h"
#include "core/broker/broker.h"
#include "core/broker/plugin_check.h"
#include "core/broker/supervisor.h"
#include "core/broker/worker_gate.h"
#include "core/broker/worker_socket.h"
#include "core/config/reload.h"
#include "core/delivery/dispatcher.h"
#include "core/front_rules.h"
#include "core/http/front.h"
#include "core/http/loop.h"
#include "core/http/router.h"
#include "core/message/setup.h"
#include "core/ops/log.h"
#include "core/ops/metrics.h"
#include "core/otp/boot_clock.h"
#include "core/otp/code.h"
#include "core/otp/counted_post_guard.h"
#include "core/otp/key_rotation.h"
#include "core/otp/otp_service.h"
#include "core/store/sqlite/sqlite_store.h"
#include "web/pages.h"

namespace otpgw {

namespace fs = std::filesystem;

namespace {

// At a stop: how long requests may finish, then how long jobs that are with a worker may. Together below
// systemd's 90 s.
constexpr std::chrono::seconds kDrainRequests{20}, kDrainJobs{10};
constexpr std::chrono::seconds kWorkerPatience{3};
const std::string kAnd = "; and ";                                    // between complaints
constexpr std::string_view kShare = "share/otpgateway";               // in the prefix: pages, messages
constexpr std::string_view kWorkerProgram = "bin/otpgateway-worker";  // in the prefix
// From a SIGHUP to the reload: what comes meanwhile is served by the same one.
constexpr std::chrono::milliseconds kReloadDelay{50};

// `key` is the configuration's that names it.
void make_private_folder(std::string_view key, const fs::path& folder) {
  const auto fail = [&](const std::string& what, const std::string& why) {
    throw StartError{std::string(key) + ": " + what + " " + folder.string() + ": " + why, true};
  };
  std::error_code error, ignored;
  if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
  if (!fs::is_directory(folder, ignored)) fail("can't make the folder", error.message());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail("can't write into the folder", std::strerror(errno));
}

// The signals that main waits for; blocked before any thread is made, so that all threads inherit that.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

class Gateway::Parts {
 public:
  Parts(std::shared_ptr<const message::Setup> setup, config::Sources sources, const fs::path& prefix)
      : setup_(std::move(setup)), sources_(std::move(sources)), prefix_(prefix), signals_(block_signals()) {
    const auto& app = setup_->config.app;
    const auto& sqlite = setup_->config.sqlite;
    make_private_folder("app.data_dir", app.data_dir);
    make_private_folder("store.sqlite.path", sqlite.path.parent_path());
    if (fs::is_directory(sqlite.path))
      throw StartError{"store.sqlite.path: expected a database file; " + sqlite.path.string() +
                       " is a folder"};
    const bool fresh = !fs::exists(sqlite.path) || fs::file_size(sqlite.path) == 0;
    clock_.emplace(value_or_later(otp::BootClock::open(app.data_dir / otp::BootClock::kFile)));
    vault_.emplace(value_or_later(otp::read_or_make_key_file(setup_->config.key_file, fresh)));
    store_ = value_or_throw(store::sqlite::open_store(
        sqlite.path, *clock_,
        {.jobs_queued =
             [this](const std::string& provider) {
               broker_->post([this, provider] { dispatcher_->jobs_queued(provider); });
             },
         .broken =
             [this](const std::string& reason) {
               ops::log_error("the database can't be written any more: " + reason + "; ending");
               failed_ = true;
               kill(getpid(), SIGTERM);
             }},
        {.min_free_bytes = sqlite.min_free_bytes, .metrics = &metrics_}));
    if (!otp::hold_key_in_use(app.data_dir / otp::kKeyInUseFile, vault_->keys())) {
      ops::log_warning(setup_->config.key_file.string() +
                       ": the key that codes were sealed with is gone, so those that live can't be checked; "
                       "if nobody meant that, put it back and restart");
    }
    note_key({}, vault_->keys());  // the database is ours now: no other instance seals for it
    dispatcher_ = std::make_unique<delivery::Dispatcher>(
        delivery::Dispatcher::Parts{
            *store_, *vault_, *clock_, metrics_,
            [this](const std::string& provider, const wire::Descriptor& descriptor) {
              loop_.post([this, provider, descriptor] { gate_->worker_ready(provider, descriptor); });
            },
            [this](int64_t sending, otp::Delivery delivery) {
              loop_.post([this, sending, delivery = std::move(delivery)]() mutable {
                service_->sending_ended(sending, std::move(delivery));
              });
            },
            [this](const std::string& provider, bool open) {
              loop_.post([this, provider, open] { service_->breaker_changed(provider, open); });
            }},
        setup_);
    // First of all that others could be using: a second instance stops here.
    listen();
    open_broker();
    add_service();
    know_providers();
    admin_ = std::make_unique<Admin>(
        Admin::Parts{loop_, *broker_, *front_, *dispatcher_, *store_, *clock_, metrics_});
    admin_->listen(setup_->config.admin);
    dispatcher_->attach(*broker_);
    broker_->start();  // last: its thread uses all the others
  }

  ~Parts() {
    broker_->stop();
    store_->close();  // its last callbacks post to loops that stand until here
    loop_.clear();    // requests that are still parked there answer through the front
  }

  int run() {
    std::thread loop([this] { loop_.run(); });
    pthread_setname_np(loop.native_handle(), "loop");
    if (setup_->config.workers.spawn) {
      supervisor_ = std::make_unique<broker::Supervisor>(
          endpoint_, prefix_ / kWorkerProgram, metrics_, [this](const std::string& instance) {
            broker_->post([this, instance] { broker_->worker_died(instance); });
          });
      supervisor_->reconfigure(setup_->config);
    }
    ops::log_info("listening on " + setup_->config.app.host + ":" + std::to_string(front_->port()));
    sd_notify(0, "READY=1");
    watchdog();
    if (std::getenv("NOTIFY_SOCKET")) loop_.post([this] { admin_->show_status(); });
    if (!supervisor_) loop_.post([this] { admin_->warn_of_missing_workers(); });
    wait_for_stop();
    sd_notify(0, "STOPPING=1");
    ops::log_info("stopping: finishing requests and sends");
    stop_front();
    stop_dispatcher();
    if (supervisor_) supervisor_->stop(kWorkerPatience);
    loop_.stop();
    loop.join();
    ops::log_info("stopped");
    return failed_ ? EXIT_FAILURE : EXIT_SUCCESS;
  }

 private:
  void add_service() {
    gate_ = std::make_unique<broker::WorkerGate>(loop_, *broker_, store_->descriptors());
    service_ = std::make_unique<otp::OtpService>(
        otp::OtpService::Parts{*store_,
                               *gate_,
                               *vault_,
                               *clock_,
                               metrics_,
                               {[this](auto task) { loop_.post(std::move(task)); },
                                [this](auto delay, auto task) { return loop_.after(delay, std::move(task)); },
                                [this](auto timer) { loop_.cancel(timer); }}},
        setup_);
    guard_ = std::make_unique<otp::CountedPostGuard>(
        otp::CountedPostGuard::Parts{
            *store_, *vault_, metrics_, {[this](auto task) { loop_.post(std::move(task)); }, {}, {}}},
        setup_->config.limits);
    const auto config = message::config_of(setup_);
    api_ = api::add_api_routes(router_, {*vault_, *service_, [this] { return store_->writable(); }}, config);
    pages_ = web::add_page_routes(router_, config, read_assets(*config), *service_, *guard_);
    value_or_throw(web::add_api_document(router_, prefix_ / kShare / "web/openapi.yaml"));
    loop_.at_turn_end([this] { store_->end_reads(); });
  }

  // So that their first scrape shows zeros.
  void know_providers() {
    for (const auto& [id, provider] : setup_->config.providers) metrics_.add_provider(id);
  }

  void note_key(const otp::KeyRing& present, const otp::KeyRing& fresh) const {
    value_or_later(
        otp::take_into_use(setup_->config.app.data_dir / otp::kKeyInUseFile, present, fresh, clock_->now()));
  }

  void open_broker() {
    const auto& config = setup_->config;
    const auto& shared = config.workers.endpoint;
    endpoint_ = shared.empty() ? value_or_later(broker::private_endpoint(config.app.data_dir))
                               : value_or_throw(broker::shared_endpoint(shared));
    value_or_later(broker::check_free(endpoint_));
    const auto tell_supervisor = [this](void (broker::Supervisor::*what)(const std::string&)) {
      return [this, what](const std::string& instance) {
        post([this, what, instance] {
          if (supervisor_) (*supervisor_.*what)(instance);  // else its unit watches it
        });
      };
    };
    try {
      broker_ = std::make_unique<broker::Broker>(
          endpoint_, *dispatcher_,
          broker::ProcessEvents{.ready = tell_supervisor(&broker::Supervisor::worker_ready),
                                .hangs = tell_supervisor(&broker::Supervisor::kill_hanging)});
    } catch (const zmq::error_t& error) {
      throw StartError{"workers.endpoint: can't listen on " + endpoint_ + ": " + error.what(), true};
    }
    if (!shared.empty()) value_or_later(broker::let_group_in(endpoint_));
  }

  void listen() {
    const auto& app = setup_->config.app;
    auto rules = value_or_throw(front_rules(app));
    try {
      front_ = std::make_unique<http::Front>(
          loop_, app.host, app.port, front_limits(app),
          [this](const http::Request& request, http::Reply reply) {
            router_.dispatch(request, std::move(reply));
          },
          &metrics_);
      front_->reconfigure(std::move(rules));
    } catch (const Poco::Exception& error) {
      throw StartError{listen_error("app.address", app.host, app.port, error), true};
    }
  }

  // systemd restarts us when the loop stands still.
  void watchdog() {
    uint64_t interval_us = 0;
    if (sd_watchdog_enabled(0, &interval_us) <= 0) return;
    const auto interval = std::chrono::milliseconds{interval_us / 2000};
    loop_.post([this, interval] { beat(interval); });
  }
  void beat(std::chrono::milliseconds interval) {
    sd_notify(0, "WATCHDOG=1");
    loop_.after(interval, [this, interval] { beat(interval); });
  }

  void wait_for_stop() {
    using Clock = broker::Supervisor::Clock;
    std::optional<Clock::time_point> reload_at;
    for (;;) {
      if (reload_at && Clock::now() >= *reload_at) {
        reload();
        reload_at.reset();
      }
      auto next = reload_at.value_or(Clock::now() + std::chrono::hours{1});
      if (supervisor_) {
        supervisor_->run_due();
        next = std::min(next, supervisor_->next_due());
      }
      const std::chrono::nanoseconds wait = std::max(next - Clock::now(), Clock::duration{1'000'000});
      const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
      const int signal = sigtimedwait(&signals_, nullptr, &timeout);
      if (signal == SIGTERM || signal == SIGINT) return;
      if (signal == SIGCHLD && supervisor_) supervisor_->reap();
      if (signal == SIGUSR1) run_posted();
      if (signal == SIGHUP && !reload_at) reload_at = Clock::now() + kReloadDelay;
    }
  }

  void reload() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
    try {
      exchange(read_again());
      ops::log_info("the configuration has been read again");
    } catch (const StartError& error) {
      ops::log_error("not reloaded, the former configuration goes on: " + error.line);
    }
    sd_notify(0, "READY=1");
  }

  // All that a reload needs and that can fail.
  struct Reading {
    std::shared_ptr<const message::Setup> setup;
    std::shared_ptr<const web::Assets> assets;
    http::FrontRules front;
    otp::KeyRing keys;
    std::vector<std::string> kept;  // keys that need a restart
  };
  std::shared_ptr<const web::Assets> read_assets(const config::Config& config) const {
    return value_or_throw(web::Assets::read(config, prefix_ / kShare, *clock_));
  }
  Reading read_again() const {
    auto config = value_or_throw(config::load(sources_));
    auto kept = config::keep_until_restart(setup_->config, config);
    auto setup = value_or_throw(message::Setup::make(std::move(config)));
    auto assets = read_assets(setup->config);
    auto front = value_or_throw(front_rules(setup->config.app));
    auto keys = value_or_throw(otp::read_key_file(setup->config.key_file));
    if (supervisor_) {
      const auto complaints =
          broker::check_plugins(prefix_ / kWorkerProgram, supervisor_->changed(setup->config));
      if (!complaints.empty()) {
        const auto all = Poco::cat(kAnd, complaints.begin(), complaints.end());
        throw StartError{setup->redaction.without_secrets(all)};
      }
    }
    return {std::move(setup), std::move(assets), std::move(front), std::move(keys), std::move(kept)};
  }

  // Returns when all threads work with it.
  void exchange(Reading reading) {
    const auto& setup = reading.setup;
    note_key(vault_->keys(), reading.keys);
    vault_->exchange(reading.keys);
    for (const auto& key : reading.kept)
      ops::log_warning(key + ": has changed, which needs a restart; the former value stays");
    for (const auto& warning : setup->config.warnings) {
      if (!std::ranges::count(setup_->config.warnings, warning)) ops::log_warning(warning);
    }
    if (!supervisor_) name_changed_units(setup->config);
    ops::set_debug(setup->config.app.debug_logs);
    ops::filter_lines([setup](std::string line) { return setup->redaction.line(std::move(line)); });
    setup_ = setup;
    know_providers();
    // The broker first: it knows a new provider before the first OTP for it can come.
    const auto taken = std::make_shared<std::latch>(2);
    broker_->post([this, setup, taken] {
      dispatcher_->reconfigure(setup);
      taken->count_down();
    });
    loop_.post(
        [this, setup, taken, assets = std::move(reading.assets), front = std::move(reading.front)]() mutable {
          front_->reconfigure(std::move(front));
          gate_->reconfigure(setup->config);
          service_->reconfigure(setup);
          guard_->reconfigure(setup->config.limits);
          api_->reconfigure(message::config_of(setup));
          pages_->reconfigure(message::config_of(setup), std::move(assets));
          taken->count_down();
        });
    taken->wait();
    if (supervisor_) supervisor_->reconfigure(setup->config);
  }

  // Workers that are units of their own read the configuration when they start.
  void name_changed_units(const config::Config& fresh) const {
    for (const auto& [id, provider] : fresh.providers) {
      const auto former = setup_->config.providers.find(id);
      if (former != setup_->config.providers.end() &&
          broker::Launch(former->second) != broker::Launch(provider))
        ops::log_warning(broker::section_of(provider) + ": has changed; restart its worker");
    }
  }

  // Any thread; runs on main's, unless the gateway is stopping.
  void post(std::function<void()> task) {
    {
      std::lock_guard lock(posted_mutex_);
      posted_.push_back(std::move(task));
    }
    kill(getpid(), SIGUSR1);
  }

  void run_posted() {
    std::vector<std::function<void()>> tasks;
    {
      std::lock_guard lock(posted_mutex_);
      tasks.swap(posted_);
    }
    for (const auto& task : tasks) task();
  }

  void stop_front() {
    auto drained = std::make_shared<std::atomic_flag>();
    loop_.post([this, drained] {
      admin_->stopping();
      service_->stop_waiting();
      front_->drain([drained] { drained->test_and_set(); });
    });
    if (!wait_until(*drained, kDrainRequests)) ops::log_warning("some requests did not finish in time");
  }

  void stop_dispatcher() {
    auto drained = std::make_shared<std::atomic_flag>();
    broker_->post([this, drained] {
      dispatcher_->drain([this, drained] {
        broker_->drain_workers();
        drained->test_and_set();
      });
    });
    if (!wait_until(*drained, kDrainJobs))
      ops::log_warning("some sends did not end in time; they stay queued");
  }

  static bool wait_until(const std::atomic_flag& flag, std::chrono::seconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!flag.test() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return flag.test();
  }

  std::shared_ptr<const message::Setup> setup_;  // main's; other threads have been handed theirs
  const config::Sources sources_;
  const fs::path prefix_;
  const sigset_t signals_;
  std::optional<otp::BootClock> clock_;
  std::optional<otp::CodeVault> vault_;
  std::atomic<bool> failed_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // posted_mutex_: for main
  std::string endpoint_;
  ops::Metrics metrics_{OTPGW_VERSION};
  http::Loop loop_;
  std::unique_ptr<http::Front> front_;  // outlives whoever may hold a Reply
  std::unique_ptr<Admin> admin_;        // likewise
  std::unique_ptr<delivery::Dispatcher> dispatcher_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<broker::WorkerGate> gate_;
  std::unique_ptr<otp::OtpService> service_;
  std::unique_ptr<otp::CountedPostGuard> guard_;
  http::Router router_{&metrics_};
  std::shared_ptr<api::Routes> api_;
  std::shared_ptr<web::PageRoutes> pages_;
  std::unique_ptr<broker::Supervisor> supervisor_;
};

Gateway::Gateway(std::shared_ptr<const message::Setup> setup, config::Sources sources, const fs::path& prefix)
    : parts_(std::make_unique<Parts>(std::move(setup), std::move(sources), prefix)) {}
Gateway::~Gateway() = default;

int Gateway::run() { return parts_->run(); }

}  // namespace otpgw
