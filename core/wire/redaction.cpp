#include "core/wire/redaction.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace otpgw::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }  // of a letter that is no ASCII
// RFC 5322's atext and the dot, and RFC 6531's further letters.
bool is_local(char c) {
  return is_word(c) || is_high(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").contains(c);
}
bool is_letter(char c) { return is_word(c) || is_high(c); }
bool is_domain(char c) { return is_letter(c) || c == '.' || c == '-'; }

constexpr std::string_view kAddress = "[address]";

// Whether what stands there is the end of a word on both sides.
bool is_whole_word(std::string_view text, std::size_t first, std::size_t end) {
  const auto goes_on = [&](std::size_t at) {
    return at < text.size() && (is_word(text[at]) || text[at] == '_');
  };
  return !(first > 0 && goes_on(first - 1)) && !goes_on(end);
}

void hide(std::string& text, std::size_t first, std::size_t end) {
  text.replace(first, end - first, kAddress);
}

void hide_mail_addresses(std::string& text) {
  for (auto at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
    auto first = at, end = at + 1;
    while (first > 0 && is_local(text[first - 1])) --first;
    while (first < at && std::string_view("'`{").contains(text[first])) ++first;  // what quotes it
    while (end < text.size() && is_domain(text[end])) ++end;
    while (end > at + 1 && !is_letter(text[end - 1])) --end;  // the sentence's full stop
    const auto domain = std::string_view(text).substr(at + 1, end - at - 1);
    // A unit of systemd, otpgateway-worker@smtp.service, is no address.
    if (first == at || !domain.contains('.') || domain.ends_with(".service")) continue;
    hide(text, first, end);
    at = first + kAddress.size() - 1;
  }
}

void hide_phone_numbers(std::string& text) {
  constexpr std::size_t kDigitsMin = 8, kDigitsMax = 15;  // E.164
  for (auto plus = text.find('+'); plus != text.npos; plus = text.find('+', plus + 1)) {
    auto end = plus + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    const auto digits = end - plus - 1;
    if (digits >= kDigitsMin && digits <= kDigitsMax) hide(text, plus, end);
  }
}

}  // namespace

Redaction::Redaction(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const auto& secret) { return secret.size() < kSecretBytesMin; });
  // One may be a part of another.
  std::ranges::sort(secrets_, std::ranges::greater(), [](const auto& secret) { return secret.size(); });
  if (secrets_.size() > kSecretsMax) secrets_.resize(kSecretsMax);
}

std::string Redaction::without_secrets(std::string text) const {
  constexpr std::string_view kSecret = "[secret]";
  for (const auto& secret : secrets_) {
    for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at)) {
      if (secret.size() >= kSecretBytesAnywhere || is_whole_word(text, at, at + secret.size())) {
        text.replace(at, secret.size(), kSecret);
        at += kSecret.size();
      } else {
        ++at;
      }
    }
  }
  return text;
}

std::string Redaction::line(std::string text) const {
  text = without_secrets(std::move(text));
  hide_mail_addresses(text);
  hide_phone_numbers(text);
  return text;
}

}  // namespace otpgw::wire
