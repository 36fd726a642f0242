// Goal: no frame crashes the wire codec, and what it takes it gives back.
// Method: the first byte picks the command; a decoded message is encoded and decoded again.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/wire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw::wire;
  constexpr std::array<std::string_view, 8> kCommands = {"READY", "PING",   "VALIDATE", "ADDRESS",
                                                         "JOB",   "RESULT", "DRAIN",    "BYE"};
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto message = decode(kCommands[data[0] % kCommands.size()], body)) {
    const auto again = encode(*message);
    if (!decode(again.command, again.body)) abort();
  }
  return 0;
}
