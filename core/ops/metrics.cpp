#include "core/ops/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <sstream>
#include <vector>

#include "core/ops/gauges.h"

namespace otpgw::ops {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::Labels;
using Buckets = Histogram::BucketBoundaries;

template <class Enum>
constexpr auto kCount = static_cast<std::size_t>(Enum::count);
constexpr std::array<const char*, kCount<CheckOutcome>> kCheckOutcomes = {"right", "wrong", "locked",
                                                                          "not_found"};
constexpr std::array<const char*, kCount<SendResult>> kSendResults = {"sent",    "retry",  "rejected",
                                                                      "unknown", "broken", "lost"};
constexpr std::array<const char*, kCount<DeliveryEnd>> kDeliveryEnds = {"sent", "failed", "expired",
                                                                        "unknown"};
constexpr std::array kExitReasons = {"exit", "signal"};

constexpr std::array kStatusesAtStart = {200, 500, 503};  // the others appear with their first answer

// Of each provider: there are some 230, and numbers are checked by providers that may check little.
constexpr std::size_t kCallingCodesMax = 64;

// A request may wait up to 30 s for its delivery.
const Buckets kRequestSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                 0.25,   0.5,   1,      2.5,   5,    10,    30};
const Buckets kCommitSeconds = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                0.05,    0.1,    0.25,  0.5,    1,     2.5,  5};
const Buckets kCommitWrites = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
// Up to the time that a code lives by default.
const Buckets kDeliverySeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                  2.5,   5,    10,    20,   30,  60,   120, 300};

double seconds(Metrics::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

struct Metrics::Series {
  struct Route {
    std::string method, pattern;
    Histogram* took;
    std::vector<std::pair<int, Counter*>> answers;  // by status: a handful
  };
  struct Provider {
    Counter *created, *verified, *resent, *started, *restarts;
    std::array<Counter*, kCount<SendResult>> results;
    std::array<Counter*, kCount<DeliveryEnd>> ends;
    std::array<Counter*, kExitReasons.size()> exits;
    Histogram* sent_after;
    struct ByCode {
      Counter *sent, *verified;
    };
    std::map<std::string, ByCode, std::less<>> by_code;  // mutex
  };

  Family<Counter>& counters(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return BuildHistogram().Name(name).Help(help).Register(registry);
  }

  std::size_t add_route(std::string_view method, std::string_view pattern) {
    std::lock_guard lock(mutex);
    Route route{std::string(method), std::string(pattern), nullptr, {}};
    route.took = &request_seconds.Add({{"method", route.method}, {"route", route.pattern}}, kRequestSeconds);
    for (const int status : kStatusesAtStart) answers(route, status);
    routes.push_back(std::move(route));
    return routes.size() - 1;
  }

  // Under the lock.
  Counter& answers(Route& route, int status) {
    for (const auto& [known, counter] : route.answers) {
      if (known == status) return *counter;
    }
    auto& counter =
        requests.Add({{"method", route.method}, {"route", route.pattern}, {"code", std::to_string(status)}});
    route.answers.emplace_back(status, &counter);
    return counter;
  }

  Provider& provider(std::string_view id) {
    std::lock_guard lock(mutex);
    if (const auto known = providers.find(id); known != providers.end()) return known->second;
    const std::string name(id);
    const auto words = [&]<std::size_t N>(Family<Counter>& family, const char* label,
                                          const std::array<const char*, N>& values) {
      std::array<Counter*, N> made;
      for (std::size_t i = 0; i < N; ++i) made[i] = &family.Add({{"provider", name}, {label, values[i]}});
      return made;
    };
    const Labels labels{{"provider", name}};
    Provider made{.created = &otps_created.Add(labels),
                  .verified = &otps_verified.Add(labels),
                  .resent = &otps_resent.Add(labels),
                  .started = &send_attempts.Add(labels),
                  .restarts = &worker_restarts.Add(labels),
                  .results = words(send_results, "result", kSendResults),
                  .ends = words(deliveries, "state", kDeliveryEnds),
                  .exits = words(worker_exits, "reason", kExitReasons),
                  .sent_after = &delivery_seconds.Add(labels, kDeliverySeconds),
                  .by_code = {}};
    return providers.emplace(name, made).first->second;  // a map's entries stay where they are
  }

  Provider::ByCode& by_code(std::string_view id, std::string_view calling_code) {
    auto& codes = provider(id).by_code;
    std::lock_guard lock(mutex);
    if (calling_code.empty()) calling_code = "none";
    const bool full = codes.size() >= kCallingCodesMax;
    auto known = codes.find(calling_code);
    if (known == codes.end() && full) known = codes.find(calling_code = "other");
    if (known != codes.end()) return known->second;
    const Labels labels{{"provider", std::string(id)}, {"prefix", std::string(calling_code)}};
    return codes.emplace(calling_code, Provider::ByCode{&codes_sent.Add(labels), &codes_verified.Add(labels)})
        .first->second;
  }

  prometheus::Registry registry;
  Family<Counter>& requests =
      counters("otpgateway_http_requests_total", "Requests answered, by route and status code.");
  Family<Histogram>& request_seconds =
      histograms("otpgateway_http_request_duration_seconds", "From the whole request to its answer.");
  Family<Counter>& otps_created =
      counters("otpgateway_otps_created_total", "Codes made by PUT, by the OTP's provider.");
  Family<Counter>& otps_verified =
      counters("otpgateway_otps_verified_total", "OTPs that a right code closed, by the OTP's provider.");
  Family<Counter>& otps_resent =
      counters("otpgateway_otps_resent_total", "Codes sent again on request, by the OTP's provider.");
  Family<Counter>& codes_sent = counters("otpgateway_codes_sent_total",
                                         "Sendings of codes, by the calling code of the country they go to.");
  Family<Counter>& codes_verified =
      counters("otpgateway_codes_verified_total", "OTPs that a right code closed, likewise.");
  Family<Counter>& limits_reached =
      counters("otpgateway_limits_reached_total",
               "Requests over a limit: refused, or passed because limits.mode is monitor.");
  Family<Counter>& checks =
      counters("otpgateway_checks_total", "Codes that were checked, by what came of it.");
  Family<Counter>& send_attempts =
      counters("otpgateway_send_attempts_total", "Messages handed to a worker, every try counted.");
  Family<Counter>& send_results = counters(
      "otpgateway_send_results_total", "What workers said of those tries; lost: the worker went away first.");
  Family<Counter>& deliveries =
      counters("otpgateway_deliveries_total", "Messages that reached an end state, by that state.");
  Family<Histogram>& delivery_seconds = histograms("otpgateway_delivery_duration_seconds",
                                                   "From the queued message to its acceptance upstream.");
  Family<Counter>& worker_restarts = counters("otpgateway_worker_restarts_total",
                                              "Workers that this gateway started again after their end.");
  Family<Counter>& worker_exits = counters(
      "otpgateway_worker_exits_total", "Ends of workers that this gateway had started and not told to end.");
  Histogram& commit_seconds =
      histograms("otpgateway_store_commit_duration_seconds", "Commits that wrote, their sync included.")
          .Add({}, kCommitSeconds);
  Histogram& commit_writes =
      histograms("otpgateway_store_commit_writes", "Writes that shared a commit.").Add({}, kCommitWrites);
  Family<Counter>& store_errors =
      counters("otpgateway_store_errors_total",
               "Commits that failed and writes that were refused: unavailable passes, broken "
               "ends the process.");

  std::mutex mutex;
  std::deque<Route> routes;                                // mutex
  std::map<std::string, Provider, std::less<>> providers;  // mutex; what an entry points to needs no lock
  std::array<Counter*, kCount<CheckOutcome>> checked{};
  Counter& unavailable = store_errors.Add({{"kind", "unavailable"}});
  Counter& broken = store_errors.Add({{"kind", "broken"}});
};

Metrics::Metrics(std::string_view version) : series_(std::make_unique<Series>()) {
  for (std::size_t i = 0; i < kCheckOutcomes.size(); ++i)
    series_->checked[i] = &series_->checks.Add({{"outcome", kCheckOutcomes[i]}});
  BuildGauge()
      .Name("otpgateway_build_info")
      .Help("1, labelled with the program's version.")
      .Register(series_->registry)
      .Add({{"version", std::string(version)}})
      .Set(1);
  series_->add_route("none", "none");  // kNoRoute
}

Metrics::~Metrics() = default;

std::size_t Metrics::add_route(std::string_view method, std::string_view pattern) {
  return series_->add_route(method, pattern);
}

void Metrics::request(std::size_t route, int status, Duration took) {
  Histogram* histogram = nullptr;
  {
    std::lock_guard lock(series_->mutex);
    auto& entry = series_->routes[route];
    series_->answers(entry, status).Increment();
    histogram = entry.took;
  }
  histogram->Observe(seconds(took));
}

void Metrics::request_refused(int status) {
  std::lock_guard lock(series_->mutex);
  series_->answers(series_->routes[kNoRoute], status).Increment();
}

void Metrics::add_provider(std::string_view provider) { series_->provider(provider); }

void Metrics::otp_created(std::string_view provider) { series_->provider(provider).created->Increment(); }
void Metrics::otp_verified(std::string_view provider) { series_->provider(provider).verified->Increment(); }
void Metrics::otp_resent(std::string_view provider) { series_->provider(provider).resent->Increment(); }
void Metrics::checked(CheckOutcome outcome) {
  series_->checked[static_cast<std::size_t>(outcome)]->Increment();
}

void Metrics::code_sent(std::string_view provider, std::string_view calling_code) {
  series_->by_code(provider, calling_code).sent->Increment();
}
void Metrics::code_verified(std::string_view provider, std::string_view calling_code) {
  series_->by_code(provider, calling_code).verified->Increment();
}
void Metrics::limit_reached(std::string_view limit, bool refused) {
  series_->limits_reached.Add({{"limit", std::string(limit)}, {"outcome", refused ? "refused" : "passed"}})
      .Increment();
}

void Metrics::send_started(std::string_view provider) { series_->provider(provider).started->Increment(); }
void Metrics::send_ended(std::string_view provider, SendResult result) {
  series_->provider(provider).results[static_cast<std::size_t>(result)]->Increment();
}
void Metrics::sent_after(std::string_view provider, Duration since_queued) {
  series_->provider(provider).sent_after->Observe(seconds(since_queued));
}
void Metrics::delivery_ended(std::string_view provider, DeliveryEnd end) {
  series_->provider(provider).ends[static_cast<std::size_t>(end)]->Increment();
}

void Metrics::worker_restarted(std::string_view provider) {
  series_->provider(provider).restarts->Increment();
}
void Metrics::worker_exited(std::string_view provider, bool by_signal) {
  series_->provider(provider).exits[by_signal ? 1 : 0]->Increment();
}

void Metrics::committed(std::size_t writes, Duration took) {
  series_->commit_seconds.Observe(seconds(took));
  series_->commit_writes.Observe(static_cast<double>(writes));
}
void Metrics::store_failed(bool broken) { (broken ? series_->broken : series_->unavailable).Increment(); }

std::string Metrics::text(const Snapshot& now) const {
  auto families = series_->registry.Collect();
  append_gauges(families, now);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace otpgw::ops
