#include "account.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace otpgw::kaleyra {
namespace {

constexpr std::size_t kNameBytesMax = 256;

// Letters, digits and `marks`.
bool consists_of(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != marks.npos;
  });
}

// HOST or HOST:PORT, and nothing that would make another address of it.
std::string read_host(const JsonConfig& config) {
  auto text = config.text("host");
  if (text.empty()) return "api.kaleyra.io";
  const std::string_view all = text;
  const auto name = all.substr(0, all.find(':'));
  const auto port = name.size() == all.size() ? "443" : all.substr(name.size() + 1);
  const bool good_port = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == port.npos &&
                         std::stoi(std::string(port)) >= 1 && std::stoi(std::string(port)) <= 65535;
  if (name.empty() || !consists_of(name, ".-") || !good_port)
    throw std::invalid_argument(
        "host: expected a host like api.in.kaleyra.io, without https:// and without a path");
  return text;
}

// It becomes a part of the path.
std::string read_sid(const JsonConfig& config) {
  auto sid = config.required_text("sid");
  if (sid.size() > kNameBytesMax || !consists_of(sid, "-_"))
    throw std::invalid_argument("sid: expected letters and digits, like HXIN1234567890IN");
  return sid;
}

// It becomes a header.
std::string read_api_key(const JsonConfig& config) {
  auto key = config.required_text("api_key");
  if (key.size() > kNameBytesMax || !std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; }))
    throw std::invalid_argument("api_key: expected printable characters without spaces");
  return key;
}

PhoneNumbers read_phone_numbers(const JsonConfig& config) {
  try {
    return PhoneNumbers(config.text("default_phone_code"));
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(std::string("default_phone_code: ") + e.what());
  }
}

}  // namespace

std::string read_name(const JsonConfig& config, const std::string& key) {
  auto text = config.text(key);
  const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (control || text.size() > kNameBytesMax)
    throw std::invalid_argument(key + ": expected at most " + std::to_string(kNameBytesMax) +
                                " bytes, on one line");
  return text;
}

std::string read_required_name(const JsonConfig& config, const std::string& key) {
  auto text = read_name(config, key);
  if (text.empty()) throw std::invalid_argument(key + ": missing");
  return text;
}

Account::Account(const JsonConfig& config)
    : scheme_(config.choice("scheme", {"https", "http"}, "https")),
      host_(read_host(config)),
      sid_(read_sid(config)),
      api_key_(read_api_key(config)),
      sender_(read_required_name(config, "sender")),
      phone_numbers_(read_phone_numbers(config)) {}

http::Request Account::request(std::string form) const {
  return {.url = scheme_ + "://" + host_ + "/v1/" + sid_ + "/messages",
          .headers = {"api-key: " + api_key_, "Content-Type: application/x-www-form-urlencoded"},
          .body = std::move(form)};
}

bool Account::unencrypted() const {
  return scheme_ == "http" && !host_.starts_with("127.") && !host_.starts_with("localhost");
}

}  // namespace otpgw::kaleyra
