// What the tests of webhook.so share.
#pragma once

#include "provider_fixture.h"

namespace otpgw::test {

inline worker::PluginLibrary& library() {
  static const auto loaded = load_plugin("webhook.so");
  return *loaded;
}

inline std::expected<worker::PluginInstance, std::string> create(const std::string& config) {
  return create(library(), "webhook", config);
}

inline worker::PluginInstance instance(const std::string& config) {
  auto made = create(config);
  if (!made) throw std::runtime_error(made.error());
  return std::move(*made);
}

// A configuration for `url`, `more` being further keys: R"(,"username":"u")".
inline std::string config_for(const std::string& url, const std::string& more = {}) {
  return R"({"url":")" + url + R"(","enabled":true,"max_conns":10,"timeout":"5s")" + more + "}";
}

inline wire::Job job() { return job("john@doe.example"); }

inline wire::Result send(worker::PluginInstance& to) { return send(to, job()); }

// What becomes of a message when the upstream does that.
inline wire::Result sent_to(FakeHttpServer::Answerer upstream, const std::string& more = {},
                            std::chrono::milliseconds timeout = kTimeout) {
  const FakeHttpServer server(std::move(upstream));
  auto webhook = instance(config_for(server.url(), more));
  return send(webhook, job(), timeout);
}

}  // namespace otpgw::test
