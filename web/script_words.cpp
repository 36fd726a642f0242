#include "web/script_words.h"

#include <Poco/JSONString.h>

#include <array>

namespace otpgw::web {
namespace {

constexpr auto kKeys =
    std::to_array<std::string_view>({"dir", "verification", "close", "modal_failed", "modal_open"});

// {"dir":"ltr","verification":"Verification",…}
std::string words_of(const Texts& texts) {
  std::string json;
  for (const std::string_view key : kKeys) {
    json.append(json.empty() ? "{" : ",").append(Poco::toJSON(std::string(key))).append(":");
    json += Poco::toJSON(html_as_text(texts.find(key)->second));
  }
  return json + "}";
}

}  // namespace

std::string with_words(std::string_view script, const Locales& locales, std::string_view locale) {
  constexpr std::string_view kBegin = "const words = ";
  const std::size_t begin = script.find(kBegin), end = script.find(";\n", begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return std::string(script);
  std::string json;
  const auto add = [&json](std::string_view tag, const Texts& texts) {
    json.append(json.empty() ? "{" : ",").append(Poco::toJSON(std::string(tag))).append(":");
    json += words_of(texts);
  };
  if (const auto first = locales.find(locale); first != locales.end()) add(first->first, first->second);
  for (const auto& [tag, texts] : locales) {
    if (tag != locale) add(tag, texts);
  }
  return std::string(script.substr(0, begin + kBegin.size()))
      .append(json)
      .append("}")
      .append(script.substr(end));
}

}  // namespace otpgw::web
