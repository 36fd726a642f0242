#include "core/api/admin_routes.h"

#include "core/http/answer.h"
#include "core/ops/readiness.h"

namespace otpgw::api {
namespace {

using Captures = std::vector<std::string>;

const char* to_json(bool value) { return value ? "true" : "false"; }

// {"ready":…,"troubles":[…],"store":{…},"providers":{ID:{…}}}
std::string readiness_json(const ops::Snapshot& now) {
  std::string out = R"({"ready":)";
  out.append(to_json(ops::is_ready(now))).append(R"(,"troubles":[)");
  const char* separator = "";
  for (const auto& trouble : ops::troubles(now)) {
    out.append(std::exchange(separator, ","));
    http::append_json(out, trouble);
  }
  out.append(R"(],"store":{"writable":)").append(to_json(now.store.writable));
  out.append(R"(,"takes_new_otps":)").append(to_json(now.store.takes_new_otps));
  out.append(R"(,"free_bytes":)").append(std::to_string(now.store.free_bytes));
  out.append(R"(},"providers":{)");
  separator = "";
  for (const auto& provider : now.providers) {
    out.append(std::exchange(separator, ","));
    http::append_json(out, provider.id);
    out.append(R"(:{"workers":)").append(std::to_string(provider.workers));
    out.append(R"(,"breaker":")").append(to_string(provider.breaker));
    out.append(R"(","jobs_queued":)").append(std::to_string(provider.jobs_queued)).append("}");
  }
  return out.append("}}");
}

http::Response readiness(const ops::Snapshot& now) {
  const auto json = readiness_json(now);
  if (ops::is_ready(now)) return http::success(json);
  return http::error(503, ops::troubles(now).front(), json, std::chrono::seconds{1});
}

}  // namespace

void add_admin_routes(http::Router& router, const ops::Metrics& metrics, Look look) {
  router.add(http::Method::get, "/metrics",
             [&metrics, look](const http::Request&, const Captures&, http::Reply reply) {
               look([&metrics, reply = std::move(reply)](const ops::Snapshot& now) mutable {
                 reply.send({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .headers = std::string(http::kPrivate),
                             .body = metrics.text(now)});
               });
             });
  router.add(http::Method::get, "/ready", [look](const http::Request&, const Captures&, http::Reply reply) {
    look([reply = std::move(reply)](const ops::Snapshot& now) mutable { reply.send(readiness(now)); });
  });
}

}  // namespace otpgw::api
