#include "web/mask.h"

namespace otpgw::web {
namespace {

constexpr std::string_view kHidden = "•••";
constexpr std::size_t kShownAtEnd = 3;  // code points of a phone or account number
constexpr std::size_t kHiddenMin = 3;   // fewer hidden ones would hide nothing

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The byte where the last `count` code points begin; npos when there are not that many.
std::size_t tail(std::string_view text, std::size_t count) {
  for (std::size_t at = text.size(); at-- > 0;) {
    if (!continues(text[at]) && --count == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string mask_address(std::string_view address) {
  if (const std::size_t at = address.rfind('@'); at != std::string_view::npos && at > 0) {
    std::size_t first = 1;
    while (first < at && continues(address[first])) ++first;
    return std::string(address.substr(0, first)).append(kHidden).append(address.substr(at));
  }
  if (tail(address, kShownAtEnd + kHiddenMin) == std::string_view::npos) return std::string(kHidden);
  return std::string(kHidden).append(address.substr(tail(address, kShownAtEnd)));
}

}  // namespace otpgw::web
