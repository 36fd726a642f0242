// A whole HTTP request as the front read it, and the answer to it. No socket leaks past core/http/.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ip/ip.h"
#include "core/ops/metrics.h"

namespace otpgw::http {

enum class Method : uint8_t { get, head, post, put, del, other };

// Views into the connection's buffer: valid until the handler returns. A handler that answers later copies
// what it needs.
struct Request {
  Method method = Method::get;
  std::string_view path;   // as sent, percent-encoded, without the query
  std::string_view query;  // as sent, without '?'
  std::string_view body;   // whole, already unchunked
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  ip::Address client;  // who asks: the peer, or the one that a trusted proxy speaks for (client_address.h)
  bool limit_client = true;  // limits per IP apply: `client` is no proxy that many stand behind

  // The value of a header (name in lower case); empty when absent.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

struct Response {
  int status = 200;
  std::string_view content_type;  // static text; empty only without a body
  std::string headers;            // whole further lines, each "Name: value\r\n"
  std::string body;

  // The value loses CR, LF and NUL.
  Response& header(std::string_view name, std::string_view value);
};

// Answers one request, exactly once, now or later, on the loop's thread. Dropped without an answer it sends a
// 500. When the client has gone in the meantime, send() does nothing.
class Reply {
 public:
  // Where answers go: the front's connection, or a test.
  using Sink = std::move_only_function<void(Response&&)>;
  explicit Reply(Sink sink) : sink_(std::move(sink)) {}
  Reply(Reply&&) = default;
  Reply& operator=(Reply&&) = default;
  ~Reply();

  void send(Response&& response);

  // The answer counts for this route, from now on timed.
  void count(ops::Metrics& metrics, std::size_t route) {
    metrics_ = &metrics;
    route_ = route;
    began_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Sink sink_;
  ops::Metrics* metrics_ = nullptr;
  std::size_t route_ = ops::Metrics::kNoRoute;
  Clock::time_point began_{};
};

using Handler = std::function<void(const Request&, const std::vector<std::string>& captures, Reply)>;

}  // namespace otpgw::http
