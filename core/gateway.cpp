#include "core/gateway.h"

#include <Poco/Exception.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <zmq.hpp>

#include "core/admin.h"
#include "core/api/routes.h"
#include "core/auth/basic_auth.h"
#include "core/broker/broker.h"
#include "core/broker/supervisor.h"
#include "core/broker/worker_gate.h"
#include "core/delivery/dispatcher.h"
#include "core/http/front.h"
#include "core/http/loop.h"
#include "core/http/router.h"
#include "core/message/composer.h"
#include "core/ops/log.h"
#include "core/ops/metrics.h"
#include "core/otp/code.h"
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

template <class T>
T value_or_throw(std::expected<T, std::string> result) {
  if (!result) throw StartError{result.error()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void make_private_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
  if (!fs::is_directory(folder))
    throw StartError{folder.string() + ": can't make the folder: " + error.message()};
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

// A socket's path ends at 107 bytes (unix(7)).
constexpr std::size_t kSocketPathBytesMax = 107;

// Where the workers of this core connect: in a 0700 folder, so that nobody else can. Beside the data, where
// the next start finds and reuses it; elsewhere when that path is too long for a socket.
std::string private_endpoint(const fs::path& data_dir) {
  auto folder = data_dir / "workers";
  if ((folder / "socket").string().size() > kSocketPathBytesMax) {
    std::string made = (fs::temp_directory_path() / "otpgateway.XXXXXX").string();
    if (!mkdtemp(made.data())) throw StartError{made + ": can't make the folder of the workers' socket"};
    folder = made;
  }
  make_private_folder(folder);
  return "ipc://" + (folder / "socket").string();
}

// ZeroMQ would take over the socket file of a living core without a word.
void refuse_if_taken(const std::string& endpoint) {
  constexpr std::string_view kIpc = "ipc://";
  if (!endpoint.starts_with(kIpc)) return;
  const auto path = endpoint.substr(kIpc.size());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() > kSocketPathBytesMax)
    throw StartError{"workers.endpoint: " + path + " is longer than 107 bytes"};
  path.copy(address.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool taken = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  if (taken) throw StartError{"workers.endpoint: another instance listens on " + endpoint};
}

}  // namespace

class Gateway::Parts {
 public:
  Parts(const config::Config& config, const fs::path& prefix)
      : config_(config),
        prefix_(prefix),
        signals_(block_signals()),
        composer_(value_or_throw(message::Composer::make(config_))) {
    make_private_folder(config_.app.data_dir);
    make_private_folder(config_.sqlite.path.parent_path());
    const bool fresh = !fs::exists(config_.sqlite.path) || fs::file_size(config_.sqlite.path) == 0;
    vault_.emplace(value_or_throw(otp::CodeVault::open_file(config_.app.data_dir / "otpgateway.key", fresh)));
    store_ = value_or_throw(store::sqlite::open_store(
        config_.sqlite.path, clock_,
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
        config_.sqlite.min_free_bytes, &metrics_));
    dispatcher_ = std::make_unique<delivery::Dispatcher>(delivery::Dispatcher::Parts{
        config_, *store_, composer_, *vault_, clock_, metrics_,
        [this](const std::string& provider, const wire::Descriptor& descriptor) {
          loop_.post([this, provider, descriptor] { gate_->worker_ready(provider, descriptor); });
        },
        [this](int64_t job, otp::Delivery delivery) {
          loop_.post([this, job, delivery = std::move(delivery)]() mutable {
            service_->job_ended(job, std::move(delivery));
          });
        },
        [this](const std::string& provider) {
          if (!config_.workers.spawn) return;  // its unit watches it
          {
            std::lock_guard lock(hanging_mutex_);
            hanging_.insert(provider);
          }
          kill(getpid(), SIGUSR1);
        }});
    // First of all that others could be using: a second instance stops here.
    listen();
    open_broker();
    add_service();
    for (const auto& [id, provider] : config_.providers)
      metrics_.add_provider(id);  // a first scrape shows zeros
    admin_ = std::make_unique<Admin>(
        Admin::Parts{loop_, *broker_, *front_, *dispatcher_, *store_, clock_, metrics_});
    admin_->listen(config_.admin);
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
    if (config_.workers.spawn) {
      supervisor_ = std::make_unique<broker::Supervisor>(
          config_, endpoint_, prefix_ / "bin/otpgateway-worker", metrics_,
          [this](const std::string& provider) {
            broker_->post([this, provider] { broker_->workers_died(provider); });
          });
    }
    ops::log_info("listening on " + config_.app.host + ":" + std::to_string(front_->port()));
    sd_notify(0, "READY=1");
    watchdog();
    if (std::getenv("NOTIFY_SOCKET")) loop_.post([this] { admin_->show_status(); });
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
        otp::OtpService::Parts{config_,
                               *store_,
                               *gate_,
                               composer_,
                               *vault_,
                               clock_,
                               metrics_,
                               {[this](auto task) { loop_.post(std::move(task)); },
                                [this](auto delay, auto task) { return loop_.after(delay, std::move(task)); },
                                [this](auto timer) { loop_.cancel(timer); }}});
    auth_.emplace(config_);
    api::add_api_routes(router_,
                        {config_, *auth_, *vault_, *service_, [this] { return store_->writable(); }});
    const auto share = prefix_ / "share/otpgateway";
    value_or_throw(web::add_page_routes(router_, config_, *service_, clock_, share / "web"));
    value_or_throw(web::add_static_routes(router_, share / "static"));
    loop_.at_turn_end([this] { store_->end_reads(); });
  }

  void open_broker() {
    endpoint_ =
        config_.workers.endpoint.empty() ? private_endpoint(config_.app.data_dir) : config_.workers.endpoint;
    refuse_if_taken(endpoint_);
    try {
      broker_ = std::make_unique<broker::Broker>(endpoint_, *dispatcher_);
    } catch (const zmq::error_t& error) {
      throw StartError{"workers.endpoint: can't listen on " + endpoint_ + ": " + error.what()};
    }
  }

  void listen() {
    http::FrontLimits limits;
    limits.head = limits.body = config_.app.server_timeout;
    try {
      front_ = std::make_unique<http::Front>(
          loop_, config_.app.host, config_.app.port, limits,
          [this](const http::Request& request, http::Reply reply) {
            router_.dispatch(request, std::move(reply));
          },
          &metrics_);
    } catch (const Poco::Exception& error) {
      throw StartError{"app.address: can't listen on " + config_.app.host + ":" +
                       std::to_string(config_.app.port) + ": " + error.displayText() +
                       "; is another instance running?"};
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
    for (;;) {
      auto wait = std::chrono::nanoseconds{std::chrono::hours{1}};
      if (supervisor_) {
        supervisor_->start_due();
        wait = std::max<std::chrono::nanoseconds>(
            std::chrono::milliseconds{1}, supervisor_->next_start() - broker::Supervisor::Clock::now());
      }
      const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
      const int signal = sigtimedwait(&signals_, nullptr, &timeout);
      if (signal == SIGTERM || signal == SIGINT) return;
      if (signal == SIGCHLD && supervisor_) supervisor_->reap();
      if (signal == SIGUSR1) kill_hanging();
      if (signal == SIGHUP) ops::log_warning("SIGHUP: reloading is not supported yet; restart instead");
    }
  }

  void kill_hanging() {
    std::set<std::string> hanging;
    {
      std::lock_guard lock(hanging_mutex_);
      hanging.swap(hanging_);
    }
    for (const auto& provider : hanging) supervisor_->kill_hanging(provider);
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

  const config::Config& config_;
  const fs::path prefix_;
  const sigset_t signals_;
  otp::SystemClock clock_;
  message::Composer composer_;
  std::optional<otp::CodeVault> vault_;
  std::optional<auth::BasicAuth> auth_;
  std::atomic<bool> failed_ = false;
  std::mutex hanging_mutex_;
  std::set<std::string> hanging_;  // hanging_mutex_: providers whose worker is to be killed
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
  http::Router router_{&metrics_};
  std::unique_ptr<broker::Supervisor> supervisor_;
};

Gateway::Gateway(const config::Config& config, const fs::path& prefix)
    : parts_(std::make_unique<Parts>(config, prefix)) {}
Gateway::~Gateway() = default;

int Gateway::run() { return parts_->run(); }

}  // namespace otpgw
