// What the tests of pinpoint.so share.
#pragma once

#include <string>

#include "provider_fixture.h"

namespace otpgw::test {

inline worker::PluginLibrary& pinpoint() {
  static const auto loaded = load_plugin("pinpoint.so");
  return *loaded;
}

inline std::expected<worker::PluginInstance, std::string> create_pinpoint(const std::string& config) {
  return create(pinpoint(), "pinpoint_sms", config);
}

inline worker::PluginInstance pinpoint_instance(const std::string& config) {
  auto made = create_pinpoint(config);
  if (!made) throw std::runtime_error(made.error());
  return std::move(*made);
}

inline constexpr const char* kNumber = "+919876543210";

// A configuration that lacks nothing; `more` are further keys, the last of a name counts.
inline std::string pinpoint_config(const std::string& more = {}) {
  return R"({"enabled":true,"max_conns":10,"timeout":"5s","application_id":"0123abcd","access_key":"AKIDEXAMPLE",)"
         R"("secret_key":"geheim+/abc","region":"ap-south-1","default_phone_code":"+91")" +
         more + "}";
}
inline std::string at(const FakeHttpServer& server) { return R"(,"endpoint":")" + server.url() + "\""; }

inline constexpr const char* kSmsVoice = R"(,"api":"sms-voice")";

// What becomes of a message when AWS does that.
inline wire::Result sent_by_aws(FakeHttpServer::Answerer upstream, const std::string& more = {},
                                std::chrono::milliseconds timeout = kTimeout) {
  const FakeHttpServer server(std::move(upstream));
  auto instance = pinpoint_instance(pinpoint_config(at(server) + more));
  return send(instance, job(kNumber), timeout);
}

}  // namespace otpgw::test
