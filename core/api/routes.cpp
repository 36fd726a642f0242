#include "core/api/routes.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "core/api/answers.h"
#include "core/api/otp_params.h"
#include "core/auth/basic_auth.h"
#include "core/http/answer.h"
#include "core/http/params.h"

namespace otpgw::api {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using Captures = std::vector<std::string>;

constexpr std::size_t kIdempotencyKeyBytesMax = 255;

class Api final : public Routes, public std::enable_shared_from_this<Api> {
 public:
  explicit Api(const Parts& parts) : parts_(parts) {}

  void reconfigure(std::shared_ptr<const config::Config> config) override {
    config_ = std::move(config);
    auth_.emplace(*config_);
    providers_json_ = "[";
    for (const auto& [id, provider] : config_->providers) {  // a map: sorted
      if (providers_json_.size() > 1) providers_json_.push_back(',');
      http::append_json(providers_json_, id);
    }
    providers_json_.push_back(']');
  }

  void add_to(http::Router& router) {
    router.add(Method::get, "/", [](const Request&, const Captures&, Reply reply) {
      reply.send(http::success(R"("otpgateway")"));
    });
    router.add(Method::get, "/api/health",
               [self = shared_from_this()](const Request&, const Captures&, Reply reply) {
                 if (self->parts_.store_writable()) return reply.send(http::success(R"("OK")"));
                 reply.send(http::error(503, "Unable to reach store.", {}, std::chrono::seconds{1}));
               });
    add(router, Method::get, "/api/providers", &Api::providers);
    add(router, Method::put, "/api/otp", &Api::put);
    add(router, Method::put, "/api/otp/:id", &Api::put);
    add(router, Method::get, "/api/otp/:id", &Api::get);
    add(router, Method::post, "/api/otp/:id", &Api::post);
    add(router, Method::post, "/api/otp/:id/status", &Api::status);
    add(router, Method::del, "/api/otp/:id/status", &Api::status);
    add(router, Method::del, "/api/limits", &Api::clear_limits);
  }

 private:
  // An authenticated request with its parameters read.
  struct Call {
    const Request& request;
    const config::Namespace& name_space;
    std::string id;  // "" on routes without one
    http::Params params;
  };
  using Handle = void (Api::*)(Call, Reply);

  void add(http::Router& router, Method method, std::string_view pattern, Handle handle) {
    router.add(
        method, pattern,
        [self = shared_from_this(), handle](const Request& request, const Captures& captures, Reply reply) {
          const auto name_space = self->auth_->check(request.header("authorization"));
          if (!name_space) {
            auto response = http::error(401, name_space.error());
            response.header("WWW-Authenticate", R"(Basic realm="otpgateway")");
            return reply.send(std::move(response));
          }
          const auto& allowed = (*name_space)->allow_ips;
          if (!allowed.empty() && !ip::contains(allowed, request.client))
            return reply.send(http::error(403, "This address may not call the API for this namespace."));
          auto params = http::parse_params(request);
          if (!params) return reply.send(http::error(400, params.error()));
          if (!captures.empty()) {
            if (const auto wrong = wrong_id(captures[0])) return reply.send(http::error(400, *wrong));
          }
          ((*self).*handle)({request, **name_space, captures.empty() ? "" : captures[0], std::move(*params)},
                            std::move(reply));
        });
  }

  otp::Done answer(Reply reply, bool with_url) const {
    return [config = config_, with_url, reply = std::move(reply)](otp::Outcome outcome) mutable {
      reply.send(to_response(*config, outcome, with_url));
    };
  }

  void providers(Call, Reply reply) { reply.send(http::success(providers_json_)); }

  void put(Call call, Reply reply) {
    auto request = read_put(*config_, call.name_space, call.params);
    if (!request) return reply.send(http::error(400, request.error()));
    auto idempotency = read_idempotency(call);
    if (!idempotency) return reply.send(http::error(400, idempotency.error()));
    request->name_space = call.name_space.name;
    request->id = std::move(call.id);
    request->idempotency = std::move(*idempotency);
    parts_.service.put(std::move(*request), answer(std::move(reply), true));
  }

  void get(Call call, Reply reply) {
    reply.send(to_response(*config_, parts_.service.find(call.name_space.name, call.id), true));
  }

  void post(Call call, Reply reply) {
    const auto& action = call.params.get("action");
    if (action == "resend") {
      const auto wait = read_wait(*config_, call.params);
      if (!wait) return reply.send(http::error(400, wait.error()));
      return parts_.service.resend(call.name_space.name, std::move(call.id), otp::Door::api, *wait,
                                   answer(std::move(reply), false));
    }
    if (!action.empty() && action != "check") {
      return reply.send(http::error(400, "Invalid `action` value. It must be check or resend."));
    }
    otp::CheckRequest request;
    auto skip_delete = read_skip_delete(call.params);
    if (!skip_delete) return reply.send(http::error(400, skip_delete.error()));
    auto idempotency = read_idempotency(call);
    if (!idempotency) return reply.send(http::error(400, idempotency.error()));
    request.name_space = call.name_space.name;
    request.id = std::move(call.id);
    request.code = call.params.get("otp");
    request.skip_delete = *skip_delete;
    request.idempotency = std::move(*idempotency);
    parts_.service.check(std::move(request), answer(std::move(reply), true));
  }

  void status(Call call, Reply reply) {
    const bool consume = call.request.method == Method::del;
    parts_.service.status(call.name_space.name, std::move(call.id), consume, answer(std::move(reply), false));
  }

  void clear_limits(Call call, Reply reply) {
    const auto& to = call.params.get("to");
    if (to.empty()) return reply.send(http::error(400, "`to` is empty."));
    parts_.service.clear_limits(
        call.name_space.name, to, call.params.get("provider"),
        [config = config_, reply = std::move(reply)](std::expected<int64_t, otp::Refusal> cleared) mutable {
          if (!cleared) {
            return reply.send(to_response(*config, otp::Outcome(std::unexpected(cleared.error())), false));
          }
          reply.send(http::success(R"({"cleared":)" + std::to_string(*cleared) + "}"));
        });
  }

  // The error is a sentence for a 400.
  std::expected<std::optional<otp::Idempotency>, std::string> read_idempotency(const Call& call) const {
    const auto key = call.request.header("idempotency-key");
    if (key.empty()) return std::nullopt;
    if (key.size() > kIdempotencyKeyBytesMax) {
      return std::unexpected("Invalid `Idempotency-Key` header. It must be at most 255 bytes.");
    }
    auto items = call.params.all();
    std::ranges::sort(items);
    std::string text(call.request.method == Method::put ? "PUT" : "POST");
    for (const auto& [name, value] : items) {
      for (const auto* part : {&name, &value})
        text.append(std::to_string(part->size())).append(":").append(*part);
    }
    const auto& name = call.name_space.name;
    auto scopes = parts_.vault.hashes(name, call.request.path, key);
    auto parameters = parts_.vault.hashes(name, key, text);
    otp::Idempotency now{std::move(scopes.front()), std::move(parameters.front())};
    for (std::size_t i = 1; i < scopes.size(); ++i)
      now.former.push_back({std::move(scopes[i]), std::move(parameters[i])});
    return now;
  }

  const Parts parts_;
  std::shared_ptr<const config::Config> config_;
  std::optional<auth::BasicAuth> auth_;  // of config_
  std::string providers_json_;
};

}  // namespace

std::shared_ptr<Routes> add_api_routes(http::Router& router, const Parts& parts,
                                       std::shared_ptr<const config::Config> config) {
  auto api = std::make_shared<Api>(parts);
  api->reconfigure(std::move(config));
  api->add_to(router);
  return api;
}

}  // namespace otpgw::api
