// otpgw/http.hpp: HTTP for providers. A client keeps one connection through libcurl, ends by a deadline, and
// tells honestly whether a request that got no answer can have arrived: that is the difference between RETRY
// and UNKNOWN.
//
// Link libcurl; call http::init() and http::deinit() from your library's init and deinit:
//   OTPGW_PROVIDER_WITH_INIT(otpgw::http::init, otpgw::http::deinit, MyProvider)
// Give each sending thread a client (an unflagged provider has an instance per thread: make it a member).
// Together they are the pool of connections.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otpgw/provider.hpp"

namespace otpgw::http {

// Of an answer: what follows is read and dropped up to kDroppedBytesMax, then the connection is closed.
inline constexpr std::size_t kBodyBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kDroppedBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kHeaderBytesMax = std::size_t{64} << 10;  // of all headers together

struct Settings {
  std::string ca_file = {};  // PEM file of the authorities to trust; empty: the system's
  // The upstream recognises copies of a request. Without it a request is never put on the wire twice: libcurl
  // would repeat one by itself when a kept connection dies unanswered.
  bool copies_are_harmless = false;
};

struct Request {
  std::string method = "POST";
  std::string url = {};                   // http or https; a redirect is an answer like any other
  std::vector<std::string> headers = {};  // "Name: value", without CR and LF
  std::string body = {};
  std::string username = {}, password = {};  // for Basic authentication, or the key pair of aws_sigv4
  std::string aws_sigv4 = {};                // "aws:amz:REGION:SERVICE" signs the request (CURLOPT_AWS_SIGV4)
};

struct Answer {
  enum class Fate {
    answered,     // `status` is the upstream's
    not_sent,     // the request cannot have arrived as a whole
    perhaps_sent  // it left, and no answer came
  };
  Fate fate = Fate::not_sent;
  int status = 0;
  std::string body = {};  // its first kBodyBytesMax bytes
  bool whole = false;     // `body` is all that there was to come
  std::chrono::milliseconds retry_after{0};
  std::string failure = {};  // when not answered: a sentence without any address

  [[nodiscard]] bool success() const { return fate == Fate::answered && status >= 200 && status < 300; }
  // What the upstream says may pass: 408, 425, 429 and 5xx.
  [[nodiscard]] bool temporary() const {
    return fate == Fate::answered && (status == 408 || status == 425 || status == 429 || status >= 500);
  }
};

// RETRY, REJECTED and so on with what the answer holds of status and Retry-After.
[[nodiscard]] inline Result with_status(Result result, const Answer& answer) {
  result.upstream_status = answer.status;
  if (result.code == OTPGW_RETRY) result.retry_after = answer.retry_after;
  return result;
}

// What became of a message that got no answer: RETRY or UNKNOWN.
[[nodiscard]] inline Result no_answer(const Answer& answer) {
  return answer.fate == Answer::Fate::not_sent ? Result::retry(answer.failure)
                                               : Result::unknown(answer.failure);
}

// Everything but letters, digits and -._~ as %XX: for a part of a form, a query or a path.
[[nodiscard]] inline std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved.find(c) != kUnreserved.npos) {
      encoded.push_back(c);
    } else {
      encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return encoded;
}

// "a=1&b=%2B2" (application/x-www-form-urlencoded). Pairs with an empty value are left out.
[[nodiscard]] inline std::string form(
    const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!text.empty()) text.push_back('&');
    text.append(percent_encoded(name)).append("=").append(percent_encoded(value));
  }
  return text;
}

// One thread at a time.
class Client {
 public:
  // No network. Throws std::runtime_error when libcurl has no handle to give.
  explicit Client(Settings settings = {}) : settings_(std::move(settings)), curl_(::curl_easy_init()) {
    if (!curl_) throw std::runtime_error("libcurl has no handle to give");
    // A kept connection may die the moment that it is used again; short keeping makes that rare.
    set(CURLOPT_MAXAGE_CONN, settings_.copies_are_harmless ? 60L : 5L);
    set(CURLOPT_MAXCONNECTS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, "otpgateway");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a name server that hangs is not waited for
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings_.ca_file.empty()) {
      set(CURLOPT_CAINFO, settings_.ca_file.c_str());
      set(CURLOPT_CAPATH, nullptr);
    }
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_PREREQFUNCTION, &on_request);
  }

  // Blocks for `time_left` at most.
  [[nodiscard]] Answer perform(const Request& request, std::chrono::milliseconds time_left) {
    if (time_left.count() <= 0) return {.failure = "no time left before the deadline"};
    Exchange exchange{.curl = curl_.get(), .once = !settings_.copies_are_harmless};
    List headers;
    // No second round trip for a long body. libcurl would sign this too, and AWS refuses a signature over a
    // header that does not come.
    if (request.aws_sigv4.empty()) append(headers, "Expect:");
    for (const auto& header : request.headers) append(headers, header);

    set(CURLOPT_URL, request.url.c_str());
    const bool bodyless = request.body.empty() && (request.method == "GET" || request.method == "DELETE");
    if (bodyless) {
      set(CURLOPT_HTTPGET, 1L);
    } else {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    const bool has_credentials = !request.username.empty() || !request.password.empty();
    set(CURLOPT_USERNAME, has_credentials ? request.username.c_str() : nullptr);
    set(CURLOPT_PASSWORD, has_credentials ? request.password.c_str() : nullptr);
    set(CURLOPT_AWS_SIGV4, request.aws_sigv4.empty() ? nullptr : request.aws_sigv4.c_str());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(time_left.count()));
    set(CURLOPT_WRITEDATA, &exchange);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_PREREQDATA, &exchange);
    const auto code = ::curl_easy_perform(curl_.get());
    return answer(exchange, code, request.body.size());
  }

  // A header of the last answer; empty when it has none of that name.
  [[nodiscard]] std::string header(const char* name) const {
    curl_header* found = nullptr;
    const auto code = ::curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, -1, &found);
    return code == CURLHE_OK ? found->value : std::string();
  }

 private:
  struct CloseHandle {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, FreeList>;

  // What the callbacks of one perform need.
  struct Exchange {
    CURL* curl;
    bool once;              // refuse to send the request a second time
    int requests = 0;       // begun
    long bytes_before = 0;  // of request headers that a proxy's CONNECT took
    bool too_much = false;
    bool in_headers = false;  // a status line came, and no empty line after it
    std::size_t header_bytes = 0, dropped_bytes = 0;
    std::string body = {};
  };

  template <class Value>
  void set(CURLoption option, Value value) {
    if (::curl_easy_setopt(curl_.get(), option, value) != CURLE_OK)
      throw std::runtime_error("libcurl refuses its option " + std::to_string(option));
  }

  static void append(List& list, const std::string& line) {
    auto* longer = ::curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();  // the same list, or its first item
    list.reset(longer);
  }

  // The connection stands, the request follows.
  static int on_request(void* argument, char*, char*, int, int) {
    auto& exchange = *static_cast<Exchange*>(argument);
    if (exchange.requests > 0 && exchange.once) return CURL_PREREQFUNC_ABORT;
    ++exchange.requests;
    ::curl_easy_getinfo(exchange.curl, CURLINFO_REQUEST_SIZE, &exchange.bytes_before);
    return CURL_PREREQFUNC_OK;
  }

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* argument) {
    auto& exchange = *static_cast<Exchange*>(argument);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) exchange.in_headers = true;
    if (line == "\r\n" || line == "\n") exchange.in_headers = false;
    exchange.header_bytes += size * count;
    exchange.too_much = exchange.header_bytes > kHeaderBytesMax;
    return exchange.too_much ? 0 : size * count;
  }

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* argument) {
    auto& exchange = *static_cast<Exchange*>(argument);
    const auto bytes = size * count;
    const auto kept = std::min(bytes, kBodyBytesMax - exchange.body.size());
    exchange.body.append(data, kept);
    exchange.dropped_bytes += bytes - kept;
    exchange.too_much = exchange.dropped_bytes > kDroppedBytesMax;
    return exchange.too_much ? 0 : bytes;
  }

  // Whether the last byte of the request has left, as far as libcurl knows.
  [[nodiscard]] bool has_left(const Exchange& exchange, std::size_t body_bytes) const {
    long header_bytes = 0;
    curl_off_t uploaded = 0;
    ::curl_easy_getinfo(curl_.get(), CURLINFO_REQUEST_SIZE, &header_bytes);
    ::curl_easy_getinfo(curl_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (exchange.requests == 0) return false;
    if (body_bytes > 0) return uploaded >= static_cast<curl_off_t>(body_bytes);
    return header_bytes > exchange.bytes_before;
  }

  [[nodiscard]] Answer answer(Exchange& exchange, CURLcode code, std::size_t body_bytes) const {
    long status = 0;
    ::curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    Answer answer;
    if (status >= 200) {  // the rest of a broken answer changes nothing in what its status says
      answer.fate = Answer::Fate::answered;
      answer.status = static_cast<int>(status);
      answer.whole = code == CURLE_OK && !exchange.in_headers && exchange.dropped_bytes == 0;
      answer.body = std::move(exchange.body);
      curl_off_t seconds = 0;
      ::curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds);
      constexpr curl_off_t kDay = 86400;
      answer.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, kDay));
      return answer;
    }
    const std::string why =
        exchange.too_much ? "its answer's headers are longer than 64 KiB"
        : code == CURLE_ABORTED_BY_CALLBACK
            ? "the connection ended unanswered"
            : std::string(::curl_easy_strerror(code == CURLE_OK ? CURLE_GOT_NOTHING : code));
    if (code == CURLE_ABORTED_BY_CALLBACK || has_left(exchange, body_bytes)) {
      answer.fate = Answer::Fate::perhaps_sent;
      answer.failure = "no answer to the request: " + why;
    } else {
      answer.failure = (exchange.requests == 0 ? "no connection: " : "the request could not be sent: ") + why;
    }
    return answer;
  }

  const Settings settings_;
  std::unique_ptr<CURL, CloseHandle> curl_;
};

// For OTPGW_PROVIDER_WITH_INIT.
inline int32_t init(const otpgw_host*) { return ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : 1; }
inline void deinit() { ::curl_global_cleanup(); }

}  // namespace otpgw::http
