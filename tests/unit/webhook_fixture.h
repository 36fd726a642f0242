// What the tests of webhook.so share: an instance made through the worker's plug-in host, and an upstream on
// loopback that answers as told.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "fake_http_server.h"
#include "worker/plugin_library.h"

namespace otpgw::test {

using namespace std::chrono_literals;

inline constexpr auto kTimeout = 10s;  // no test waits for it to pass
inline constexpr auto kShort = 300ms;  // tests do

inline int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

inline worker::PluginLibrary& library() {
  static const auto loaded = worker::PluginLibrary::load(OTPGW_PROVIDERS_DIR "/webhook.so");
  if (!loaded) throw std::runtime_error(loaded.error());
  return **loaded;
}

inline std::expected<worker::PluginInstance, std::string> create(const std::string& config) {
  return library().create(library().descriptors().front(), config);
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

inline wire::Job job(const std::string& address = "john@doe.example") {
  return {.id = "job-1",
          .attempt = 1,
          .name_space = "myApp",
          .otp_id = "john-doe",
          .address = address,
          .code = "354965",
          .subject = "Your \"code\"",
          .body = "Code: 354965\n\\o/ & ü\x01",
          .text_body = {},
          .locale = "en",
          .extra = R"({"yes":true})",
          .otp_json = R"({"namespace":"myApp","otp":"354965","ttl":300,"extra":{"yes":true}})",
          .expiry_unix_ms = unix_ms() + 59'500};
}

inline wire::Result send(worker::PluginInstance& to, const wire::Job& what = job(),
                         std::chrono::milliseconds timeout = kTimeout) {
  return to.send(what, unix_ms() + timeout.count());
}

inline FakeHttpServer::Answerer says(std::string text, bool keep = true) {
  return [text = std::move(text), keep](int socket, const std::string&) {
    return FakeHttpServer::write(socket, text) && keep;
  };
}
inline std::string answer(int status, const std::string& body = {}, const std::string& headers = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What becomes of a message when the upstream does that.
inline wire::Result sent_to(FakeHttpServer::Answerer upstream, const std::string& more = {},
                            std::chrono::milliseconds timeout = kTimeout) {
  const FakeHttpServer server(std::move(upstream));
  auto webhook = instance(config_for(server.url(), more));
  return send(webhook, job(), timeout);
}

}  // namespace otpgw::test
