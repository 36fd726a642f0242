#include "core/http/router.h"

#include <algorithm>

#include "core/http/answer.h"
#include "core/http/params.h"

namespace otpgw::http {
namespace {

constexpr std::string_view kRest = "*";

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);  // a path starts with '/'
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  const bool rest = pattern.back() == kRest;
  if (rest ? path.size() < pattern.size() : path.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size() - (rest ? 1 : 0); ++i) {
    if (pattern[i].starts_with(':') ? path[i].empty() : pattern[i] != path[i]) return false;
  }
  return true;
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::del:
      return "DELETE";
    default:
      return "";
  }
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Handler handler) {
  const auto number = metrics_ ? metrics_->add_route(name_of(method), pattern) : ops::Metrics::kNoRoute;
  Route route{method, {}, std::move(handler), number};
  for (auto segment : split(pattern)) route.segments.emplace_back(segment);
  routes_.push_back(std::move(route));
}

void Router::dispatch(const Request& request, Reply reply) const {
  const auto path = split(request.path);
  const auto method = request.method == Method::head ? Method::get : request.method;
  std::string allow;
  for (const auto& route : routes_) {
    if (!matches(route.segments, path)) continue;
    if (route.method != method) {
      allow.append(allow.empty() ? "" : ", ").append(name_of(route.method));
      if (route.method == Method::get) allow.append(", HEAD");
      continue;
    }
    if (metrics_) reply.count(*metrics_, route.number);
    std::vector<std::string> captures;
    for (std::size_t i = 0; i < route.segments.size(); ++i) {
      const bool rest = route.segments[i] == kRest;
      if (!rest && !route.segments[i].starts_with(':')) continue;
      const auto raw = rest ? std::string_view(path[i].data(), request.path.end() - path[i].data()) : path[i];
      auto text = percent_decode(raw);
      if (!text || !is_utf8(*text)) {
        return reply.send(error(400, "The path's percent-encoding is malformed or not UTF-8."));
      }
      captures.push_back(std::move(*text));
    }
    return route.handler(request, captures, std::move(reply));
  }
  if (metrics_) reply.count(*metrics_, ops::Metrics::kNoRoute);
  if (allow.empty()) return reply.send(error(404, "There is nothing at this address."));
  auto response = error(405, "This method is not allowed here.");
  response.header("Allow", allow);
  reply.send(std::move(response));
}

}  // namespace otpgw::http
