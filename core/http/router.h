// Maps method and path to a handler: the list of API.md's routes, matched segment by segment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/http/message.h"

namespace otpgw::http {

class Router {
 public:
  // With `metrics`, which must outlive it, answers are counted by route.
  explicit Router(ops::Metrics* metrics = nullptr) : metrics_(metrics) {}

  // `pattern`: "/otp/:namespace/:id"; a last segment "*" takes the rest of the path, slashes included.
  // Captures come percent-decoded, in order. GET handlers serve HEAD too (the front drops the body).
  void add(Method method, std::string_view pattern, Handler handler);

  // Calls the handler, or answers 404, 405 with Allow, or 400 (bad percent-encoding) in the JSON envelope.
  void dispatch(const Request& request, Reply reply) const;

 private:
  struct Route {
    Method method;
    std::vector<std::string> segments;
    Handler handler;
    std::size_t number;  // in the metrics
  };
  ops::Metrics* metrics_;
  std::vector<Route> routes_;
};

}  // namespace otpgw::http
