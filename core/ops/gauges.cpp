#include "core/ops/gauges.h"

#include <functional>
#include <string>

#include "core/ops/process_stats.h"
#include "core/ops/readiness.h"

namespace otpgw::ops {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(const char* name, const char* help, MetricType type = MetricType::Gauge) {
  return {.name = name, .help = help, .type = type, .metric = {}};
}

MetricFamily gauge(const char* name, const char* help, double value) {
  auto made = family(name, help);
  made.metric.emplace_back().gauge.value = value;
  return made;
}

MetricFamily by_provider(const char* name, const char* help, const std::vector<ProviderNow>& providers,
                         const std::function<double(const ProviderNow&)>& value) {
  auto made = family(name, help);
  for (const auto& provider : providers) {
    auto& metric = made.metric.emplace_back();
    metric.label.push_back({"provider", provider.id});
    metric.gauge.value = value(provider);
  }
  return made;
}

// Under the names that every Prometheus client uses, so that ready-made dashboards find them.
void append_process(std::vector<MetricFamily>& families) {
  const auto process = process_stats();
  auto cpu = family("process_cpu_seconds_total", "User and system time used.", MetricType::Counter);
  cpu.metric.emplace_back().counter.value = process.cpu_seconds;
  families.push_back(std::move(cpu));
  families.push_back(gauge("process_resident_memory_bytes", "Resident memory.",
                           static_cast<double>(process.resident_bytes)));
  families.push_back(gauge("process_open_fds", "Open descriptors.", process.open_descriptors));
  families.push_back(gauge("process_max_fds", "Descriptors that may be open.",
                           static_cast<double>(process.descriptors_max)));
  families.push_back(gauge("process_start_time_seconds", "When the process started, since 1970.",
                           process.start_unix_seconds));
}

}  // namespace

void append_gauges(std::vector<MetricFamily>& families, const Snapshot& now) {
  const auto& store = now.store;
  families.push_back(gauge("otpgateway_ready", "Whether /ready answers 200.", is_ready(now)));
  families.push_back(gauge("otpgateway_http_connections", "Open connections on app.address.",
                           static_cast<double>(now.connections)));
  families.push_back(
      gauge("otpgateway_store_writable", "0 since a write failed, until one succeeds.", store.writable));
  families.push_back(gauge("otpgateway_store_takes_new_otps", "0 while less than store.min_free is free.",
                           store.takes_new_otps));
  families.push_back(gauge("otpgateway_store_free_bytes", "Free on the store's file system.",
                           static_cast<double>(store.free_bytes)));
  families.push_back(gauge("otpgateway_store_wal_bytes", "Size of the store's write-ahead log.",
                           static_cast<double>(store.wal_bytes)));

  const auto& providers = now.providers;
  families.push_back(by_provider("otpgateway_workers_ready", "Workers that take jobs.", providers,
                                 [](const auto& provider) { return provider.workers; }));
  families.push_back(by_provider("otpgateway_jobs_in_flight", "Messages that are with a worker.", providers,
                                 [](const auto& provider) { return provider.jobs_in_flight; }));
  families.push_back(by_provider("otpgateway_breaker_state", "0 closed, 1 half-open, 2 open.", providers,
                                 [](const auto& provider) { return static_cast<double>(provider.breaker); }));
  families.push_back(by_provider(
      "otpgateway_jobs_queued", "Messages that wait for a worker or their next try; counted up to 20000.",
      providers, [](const auto& provider) { return static_cast<double>(provider.jobs_queued); }));
  families.push_back(by_provider(
      "otpgateway_oldest_due_job_age_seconds", "How long the oldest due message has been due.", providers,
      [](const auto& provider) { return static_cast<double>(provider.oldest_due_ms) / 1000; }));
  append_process(families);
}

}  // namespace otpgw::ops
