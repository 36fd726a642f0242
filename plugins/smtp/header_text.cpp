#include "header_text.h"

#include <ctime>

#include <algorithm>
#include <cstdint>

namespace otpgw::smtp {
namespace {

constexpr std::string_view kWordStart = "=?UTF-8?B?", kWordEnd = "?=";
constexpr std::size_t kWordBytesMax = 75;   // RFC 2047, section 2
constexpr std::size_t kLineBytesMax = 76;   // likewise, for a line with encoded words
constexpr std::size_t kPlainBytesMax = 78;  // RFC 5322's "should" for any line

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  while (!bytes.empty()) {
    uint32_t group = 0;
    const auto size = std::min<std::size_t>(bytes.size(), 3);
    for (std::size_t i = 0; i < 3; ++i)
      group = (group << 8) | (i < size ? static_cast<unsigned char>(bytes[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += i <= size ? kDigits[(group >> (18 - 6 * i)) & 63] : '=';
    bytes.remove_prefix(size);
  }
  return out;
}

// The longest start of `text` that has at most `bytes_max` bytes and does not cut a code point.
std::string_view whole_code_points(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size == 0 ? bytes_max : size);  // 0: not UTF-8 at all, but it must get on
}

std::string encoded_words(std::string_view text, std::size_t name_bytes) {
  std::string out;
  std::size_t line_bytes = std::min<std::size_t>(name_bytes, 30);  // leaves room for a word on the first line
  while (!text.empty()) {
    const auto room =
        std::min(kWordBytesMax, kLineBytesMax - line_bytes) - kWordStart.size() - kWordEnd.size();
    const auto part = whole_code_points(text, room / 4 * 3);
    if (!out.empty()) out += "\r\n ";
    out.append(kWordStart).append(base64(part)).append(kWordEnd);
    text.remove_prefix(part.size());
    line_bytes = 1;  // the fold's space
  }
  return out;
}

}  // namespace

std::string encode_header_text(std::string_view text, std::size_t name_bytes) {
  const bool plain =
      is_printable_ascii(text) && text.find("=?") == text.npos && name_bytes + text.size() <= kPlainBytesMax;
  return plain ? std::string(text) : encoded_words(text, name_bytes);
}

std::string encode_mailbox(std::string_view name, std::string_view address) {
  const auto bracketed = "<" + std::string(address) + ">";
  if (name.empty()) return bracketed;
  constexpr std::size_t kNameBytes = std::string_view("From: ").size();
  if (!is_printable_ascii(name) || name.find("=?") != name.npos || name.size() > kPlainBytesMax / 2)
    return encoded_words(name, kNameBytes) + "\r\n " + bracketed;
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\" " + bracketed;
}

std::string date_text(std::chrono::system_clock::time_point when) {
  // Not strftime's %a and %b: a plug-in can't know the process's locale.
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char rest[32];
  const auto size = std::strftime(rest, sizeof rest, "%Y %H:%M:%S +0000", &utc);
  const auto day = std::to_string(utc.tm_mday);
  return std::string(kDays[utc.tm_wday]) + (utc.tm_mday < 10 ? ", 0" : ", ") + day + " " +
         kMonths[utc.tm_mon] + " " + std::string(rest, size);
}

std::string message_id(std::string_view job_id, std::string_view domain) {
  std::string id(job_id);
  std::ranges::replace_if(
      id,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
      },
      '-');
  return "<" + id + "@" + std::string(domain) + ">";
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    out.append(text.substr(0, end));
    if (end == std::string_view::npos) break;
    out.append("\r\n");
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return out;
}

bool travels_as_it_is(std::string_view lines) {
  if (std::ranges::any_of(lines, [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '\0'; }))
    return false;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    if (end > kPlainLineBytesMax) return false;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return true;
}

}  // namespace otpgw::smtp
