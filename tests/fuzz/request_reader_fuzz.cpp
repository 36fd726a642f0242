// Goal: no bytes crash the request reader, the parameters or the JSON reader, and how the bytes are cut never
// matters. Method: the same input at once and in two pieces must end the same way.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/http/params.h"
#include "core/http/request_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using otpgw::http::RequestReader;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto cut = bytes.size() * data[0] / 256;
  RequestReader at_once, in_two;
  at_once.feed(bytes);
  in_two.feed(bytes.substr(0, cut));
  in_two.feed(bytes.substr(cut));
  if (at_once.state() != in_two.state()) {
    // The one allowed difference: a refusal may come before or after more bytes were needed to tell.
    const bool one_refused =
        at_once.state() == RequestReader::State::refused || in_two.state() == RequestReader::State::refused;
    if (!one_refused) abort();
  }
  for (int i = 0; i < 100 && at_once.state() == RequestReader::State::ready; ++i) {
    (void)otpgw::http::parse_params(at_once.request());
    at_once.next();
  }
  return 0;
}
