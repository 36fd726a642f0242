#include "worker/plugin_text.h"

#include <cstring>
#include <string_view>

namespace otpgw::worker {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// Bytes of the well-formed code point at the start of `text`, 0 when it is ill-formed (RFC 3629, section 4).
std::size_t code_point_bytes(std::string_view text) {
  const unsigned char first = byte_at(text, 0), second = byte_at(text, 1);
  const auto tail = [&](std::size_t at) { return (byte_at(text, at) & 0xC0) == 0x80; };
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !tail(1)) return 0;
  if (first < 0xE0) return 2;
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || !tail(2)) return 0;
  if (first < 0xF0) return 3;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) || !tail(3)) return 0;
  return 4;
}

}  // namespace

std::string plugin_text(const char* text, std::size_t bytes_max) {
  std::string clean;
  if (text == nullptr) return clean;
  std::string_view rest(text, ::strnlen(text, bytes_max));
  clean.reserve(rest.size());
  while (!rest.empty()) {
    const auto size = code_point_bytes(rest);
    const auto first = static_cast<unsigned char>(rest.front());
    if (size == 0 || first < 0x20 || first == 0x7F) {
      clean += '?';
      rest.remove_prefix(1);
    } else {
      clean.append(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
  return clean;
}

}  // namespace otpgw::worker
