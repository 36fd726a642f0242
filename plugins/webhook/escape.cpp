#include "escape.h"

#include "otpgw/http.hpp"

namespace otpgw::webhook {
namespace {

std::string json_escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

std::string escaped(std::string_view text, Escape escape) {
  switch (escape) {
    case Escape::json:
      return json_escaped(text);
    case Escape::percent:
      return http::percent_encoded(text);
    case Escape::none:
      break;
  }
  return std::string(text);
}

}  // namespace otpgw::webhook
