// provider_load: how many messages a second go through a plug-in, and through a bare libcurl loop that does
// the same.
//
//   provider_load plugin FILE.so PROVIDER CONFIG-JSON ADDRESS CONNECTIONS SECONDS
//   provider_load http REQUEST-JSON CONNECTIONS SECONDS
//   {"url":…,"headers":[…],"body":…,"user":"name:word","sigv4":…} provider_load smtp URL CONNECTIONS SECONDS
//
// Prints "sends N seconds S failed N": one thread for each connection, each sends as fast as it is answered.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "worker/plugin_library.h"

namespace {

using Clock = std::chrono::steady_clock;
using SendOnce = std::function<bool()>;  // one thread's; whether it was accepted

int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Each thread makes its own sender before the clock starts.
int run(int connections, int seconds, const std::function<SendOnce(int thread)>& make) {
  std::vector<SendOnce> senders;
  for (int i = 0; i < connections; ++i) senders.push_back(make(i));
  std::atomic<long> sent = 0, failed = 0;
  const auto began = Clock::now(), end = began + std::chrono::seconds(seconds);
  std::vector<std::thread> threads;
  for (auto& sender : senders)
    threads.emplace_back([&] {
      while (Clock::now() < end) ++(sender() ? sent : failed);
    });
  for (auto& thread : threads) thread.join();
  std::printf("sends %ld seconds %.3f failed %ld\n", sent.load(),
              std::chrono::duration<double>(Clock::now() - began).count(), failed.load());
  return failed == 0 ? 0 : 1;
}

int through_plugin(const std::string& file, const std::string& provider, const std::string& config,
                   const std::string& address, int connections, int seconds) {
  const auto library = otpgw::worker::PluginLibrary::load(file);
  if (!library) return std::fprintf(stderr, "%s\n", library.error().line.c_str()), 1;
  const auto descriptor = (*library)->descriptor_for(provider);
  if (!descriptor) return std::fprintf(stderr, "%s\n", descriptor.error().c_str()), 1;
  const bool shared = (descriptor->flags & OTPGW_FLAG_THREAD_SAFE) != 0;
  std::vector<std::unique_ptr<otpgw::worker::PluginInstance>> instances;
  for (int i = 0; i < (shared ? 1 : connections); ++i) {
    auto made = (*library)->create(*descriptor, config);
    if (!made) return std::fprintf(stderr, "%s\n", made.error().c_str()), 1;
    instances.push_back(std::make_unique<otpgw::worker::PluginInstance>(std::move(*made)));
  }
  std::atomic<long> number = 0;
  return run(connections, seconds, [&](int thread) -> SendOnce {
    auto* instance = instances[shared ? 0 : static_cast<std::size_t>(thread)].get();
    return [&number, &address, instance] {
      otpgw::wire::Job job;
      job.id = "job" + std::to_string(++number);
      job.attempt = 1;
      job.name_space = "app";
      job.otp_id = "order-1234567";
      job.address = address;
      job.code = "123456";
      job.subject = "Your code";
      job.body = "123456 is your verification code for app.";
      job.extra = "{}";
      job.otp_json = R"({"namespace":"app","id":"order-1234567","to":"","otp":"123456","ttl":300})";
      job.expiry_unix_ms = unix_ms() + 300'000;
      return instance->send(job, unix_ms() + 5'000).code == otpgw::wire::ResultCode::sent;
    };
  });
}

std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

// What any program would write with libcurl: a handle for each thread, kept.
std::shared_ptr<CURL> handle(const std::string& url) {
  std::shared_ptr<CURL> curl(::curl_easy_init(), ::curl_easy_cleanup);
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 5000L);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, drop);
  return curl;
}

int through_http(const std::string& json, int connections, int seconds) {
  const auto request = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
  const auto text = [&](const char* name) { return request->optValue<std::string>(name, ""); };
  std::vector<std::shared_ptr<curl_slist>> lists;
  return run(connections, seconds, [&](int) -> SendOnce {
    const auto curl = handle(text("url"));
    curl_slist* headers = nullptr;
    for (const auto& header : *request->getArray("headers"))
      headers = ::curl_slist_append(headers, header.convert<std::string>().c_str());
    lists.emplace_back(headers, ::curl_slist_free_all);
    ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
    ::curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, text("body").c_str());
    if (!text("user").empty()) ::curl_easy_setopt(curl.get(), CURLOPT_USERPWD, text("user").c_str());
    if (!text("sigv4").empty()) ::curl_easy_setopt(curl.get(), CURLOPT_AWS_SIGV4, text("sigv4").c_str());
    return [curl] { return ::curl_easy_perform(curl.get()) == CURLE_OK; };
  });
}

// One text/plain and one text/html part, as every mail with a code has them.
int through_smtp(const std::string& url, int connections, int seconds) {
  const std::shared_ptr<curl_slist> recipients(::curl_slist_append(nullptr, "<someone@mail.example>"),
                                               ::curl_slist_free_all);
  curl_slist* list = nullptr;
  for (const auto* header : {"From: otp@otp.example", "To: <someone@mail.example>", "Subject: Your code",
                             "Date: Tue, 24 Nov 2026 12:00:00 +0000", "Message-ID: <1@otp.example>",
                             "Content-Type: multipart/alternative"})
    list = ::curl_slist_append(list, header);
  const std::shared_ptr<curl_slist> headers(list, ::curl_slist_free_all);
  return run(connections, seconds, [&](int) -> SendOnce {
    const auto curl = handle(url);
    ::curl_easy_setopt(curl.get(), CURLOPT_MAIL_FROM, "<otp@otp.example>");
    ::curl_easy_setopt(curl.get(), CURLOPT_MAIL_RCPT, recipients.get());
    ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    return [curl] {
      const std::unique_ptr<curl_mime, decltype(&::curl_mime_free)> mime(::curl_mime_init(curl.get()),
                                                                         ::curl_mime_free);
      for (const auto* type : {"text/plain; charset=utf-8", "text/html; charset=utf-8"}) {
        auto* part = ::curl_mime_addpart(mime.get());
        ::curl_mime_type(part, type);
        ::curl_mime_encoder(part, "7bit");
        ::curl_mime_data(part, "123456 is your verification code for app.\r\n", CURL_ZERO_TERMINATED);
      }
      ::curl_easy_setopt(curl.get(), CURLOPT_MIMEPOST, mime.get());
      return ::curl_easy_perform(curl.get()) == CURLE_OK;
    };
  });
}

}  // namespace

int main(int count, char** words) {
  ::curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::string kind = count > 1 ? words[1] : "";
  if (kind == "plugin" && count == 8)
    return through_plugin(words[2], words[3], words[4], words[5], std::atoi(words[6]), std::atoi(words[7]));
  if (kind == "http" && count == 5) return through_http(words[2], std::atoi(words[3]), std::atoi(words[4]));
  if (kind == "smtp" && count == 5) return through_smtp(words[2], std::atoi(words[3]), std::atoi(words[4]));
  std::fputs("Usage: see the head of provider_load.cpp\n", stderr);
  return 2;
}
