// Goal: no body or query crashes the reading of parameters, and what it hands on is what it promises.
// Method: the first byte picks the body's type; up to the first newline it is the query, then the body.

#include <cstdint>
#include <string_view>

#include "core/http/json_text.h"
#include "core/http/params.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw;
  constexpr std::string_view kTypes[] = {"application/x-www-form-urlencoded", "application/json",
                                         "multipart/form-data; boundary=b", "application/json; charset=utf-8",
                                         ""};
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto line = std::min(text.find('\n'), text.size());
  http::Request request;
  request.method = http::Method::post;
  request.path = "/";
  request.query = text.substr(0, line);
  request.body = text.substr(std::min(line + 1, text.size()));
  request.headers.emplace_back("content-type", kTypes[data[0] % std::size(kTypes)]);
  const auto params = http::parse_params(request);
  if (!params) {
    demand(!params.error().empty() && http::is_utf8(params.error()));
    demand(params.error().size() < 200 && params.error().find('\n') == std::string::npos);
    return 0;
  }
  for (const auto& [name, value] : params->all()) {
    demand(http::is_utf8(name) && http::is_utf8(value));
    demand(http::percent_decode(http::percent_encode(value)) == value);
    demand(params->find(name) == &value);  // no name twice
  }
  return 0;
}
