#include "core/otp/text.h"

#include <algorithm>
#include <cstdint>

namespace otpgw::otp {
namespace {

// The first code point of each run of ten decimal digits (Unicode 15, category Nd) that people type on
// phones.
constexpr uint32_t kDigitZeros[] = {0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6,  0x0A66,  0x0AE6, 0x0B66,
                                    0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,  0x0E50,  0x0ED0, 0x0F20,
                                    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946,  0x19D0,  0x1A80, 0x1A90,
                                    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,  0xA8D0,  0xA900, 0xA9D0,
                                    0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x11066, 0x1D7CE};

// What an ASCII character is meant by it; 0 for none of them.
char as_ascii(uint32_t c) {
  constexpr uint32_t kFullWidth = 0xfee0;  // of U+FF01 to U+FF5E above ASCII
  if (c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
      c == 0x205f || c == 0x3000)
    return ' ';
  if (c < 0x80) return static_cast<char>(c);
  if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212) return '-';
  if (c > 0xff00 && c < 0xff5f) return static_cast<char>(c - kFullWidth);
  const auto zero = std::ranges::find_if(kDigitZeros, [c](uint32_t z) { return c >= z && c < z + 10; });
  return zero == std::end(kDigitZeros) ? '\0' : static_cast<char>('0' + (c - *zero));
}

bool has_no_width(uint32_t c) { return (c >= 0x200b && c <= 0x200f) || c == 0x2060 || c == 0xfeff; }

}  // namespace

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return static_cast<unsigned char>(c) >> 6 != 2; }));
}

std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    const bool cut_short = size > 1 && c < 0x80;
    if (const char ascii = cut_short ? '\0' : as_ascii(c); ascii != '\0') {
      out.push_back(ascii);
    } else if (!has_no_width(c)) {
      out.append(text.substr(i, size));
    }
    i += size;
  }
  return out;
}

bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

}  // namespace otpgw::otp
