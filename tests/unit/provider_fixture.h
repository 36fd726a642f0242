// What the tests of plug-ins that speak HTTP share: instances made through the worker's plug-in host, a job,
// and an upstream on loopback that answers as told.
#pragma once

#include <chrono>
#include <memory>
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

// `file`: "webhook.so".
inline std::unique_ptr<worker::PluginLibrary> load_plugin(const std::string& file) {
  auto loaded = worker::PluginLibrary::load(OTPGW_PROVIDERS_DIR "/" + file);
  if (!loaded) throw std::runtime_error(loaded.error().line);
  return std::move(*loaded);
}

inline std::expected<worker::PluginInstance, std::string> create(worker::PluginLibrary& library,
                                                                 const std::string& provider,
                                                                 const std::string& config) {
  return library.create(library.descriptor_for(provider).value(), config);
}

inline wire::Job job(const std::string& address) {
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

inline wire::Result send(worker::PluginInstance& to, const wire::Job& what,
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

// Of a request as it came.
inline std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}
inline std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == request.npos) return {};
  const auto from = at + 4 + name.size();
  return request.substr(from, request.find("\r\n", from) - from);
}

}  // namespace otpgw::test
