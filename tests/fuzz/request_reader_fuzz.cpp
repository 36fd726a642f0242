// Goal: no bytes crash the request reader, the parameters or the JSON reader, and how the bytes are cut never
// matters. Method: the same input at once, in two pieces and byte by byte must end the same way, request by
// request.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/params.h"
#include "core/http/request_reader.h"
#include "tests/fuzz/demand.h"

namespace {

using otpgw::http::RequestReader;
using State = RequestReader::State;

// What came of some bytes: the whole requests, and how the reader stood then.
struct Outcome {
  std::vector<std::string> requests;
  State end = State::idle;
};

std::string all_of(otpgw::http::Request& request, bool keep_alive) {
  std::string all = std::to_string(static_cast<int>(request.method)) + (keep_alive ? " keep " : " close ");
  all.append(request.path).append("\n").append(request.query).append("\n");
  for (const auto& [name, value] : request.headers) all.append(name).append(": ").append(value).append("\n");
  return all.append(request.body);
}

Outcome read(std::string_view bytes, std::size_t first, std::size_t further) {
  RequestReader reader;
  Outcome outcome;
  for (std::size_t at = 0, size = first; at < bytes.size(); at += size, size = further) {
    for (reader.feed(bytes.substr(at, size)); reader.state() == State::ready; reader.next()) {
      outcome.requests.push_back(all_of(reader.request(), reader.keep_alive()));
      (void)otpgw::http::parse_params(reader.request());
    }
  }
  outcome.end = reader.state();
  return outcome;
}

void demand_alike(const Outcome& one, const Outcome& other) {
  demand(one.requests == other.requests);
  // One may need more bytes than the other to see that it must refuse.
  demand(one.end == other.end || one.end == State::refused || other.end == State::refused);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto at_once = read(bytes, bytes.size(), 1);
  demand_alike(at_once, read(bytes, 1 + bytes.size() * data[0] / 256, bytes.size()));
  demand_alike(at_once, read(bytes, 1, 1));
  return 0;
}
