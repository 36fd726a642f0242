#include "extra_headers.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace otpgw::webhook {
namespace {

constexpr std::size_t kHeadersMax = 32, kNameBytesMax = 100, kValueBytesMax = 4096;

// Of HTTP itself: another value would break the request, or (Accept-Encoding) make the answer unreadable.
constexpr std::array<std::string_view, 11> kOfHttp = {
    "accept-encoding", "connection",        "content-length", "expect",          "host", "keep-alive", "te",
    "trailer",         "transfer-encoding", "upgrade",        "proxy-connection"};
// The gateway's own, and where they come from.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kOurs = {
    {{"content-type", "use the key content_type"},
     {"idempotency-key", "the gateway sets it to the job's id"},
     {"webhook-id", "the key secret brings it"},
     {"webhook-timestamp", "the key secret brings it"},
     {"webhook-signature", "the key secret brings it"}}};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// RFC 9110, token.
bool is_name(const std::string& text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

bool is_value(const std::string& text) {
  return !text.empty() && text.size() <= kValueBytesMax && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

[[noreturn]] void refuse(const std::string& name, std::string_view why) {
  throw std::invalid_argument("headers: " + name + ": " + std::string(why));
}

}  // namespace

std::vector<std::string> read_extra_headers(const JsonConfig& config) {
  const auto given = config.texts("headers");
  if (given.size() > kHeadersMax)
    throw std::invalid_argument("headers: expected at most " + std::to_string(kHeadersMax));
  const bool has_credentials = !config.text("username").empty() || !config.text("password").empty();
  std::vector<std::string> headers;
  for (const auto& [name, value] : given) {
    if (!is_name(name)) throw std::invalid_argument("headers: expected names like X-Api-Key");
    const auto known = lower(name);
    if (std::ranges::find(kOfHttp, known) != kOfHttp.end()) refuse(name, "HTTP itself sets it");
    for (const auto& [ours, why] : kOurs)
      if (known == ours) refuse(name, why);
    if (known == "authorization" && has_credentials) refuse(name, "username and password set it already");
    if (value.find("{{") != value.npos) refuse(name, "fields go into url and body only");
    if (!is_value(value))
      refuse(name, "expected 1 to " + std::to_string(kValueBytesMax) +
                       " printable ASCII characters, no space at the ends");
    headers.push_back(name + ": " + value);
  }
  return headers;
}

}  // namespace otpgw::webhook
