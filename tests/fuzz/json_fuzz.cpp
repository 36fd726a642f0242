// Goal: our JSON reader takes nothing that a JSON library refuses, and reads members and strings as it does.
// Method: Poco's parser is the judge of what ours accepts.

#include <Poco/JSON/Parser.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/http/json_text.h"
#include "core/http/params.h"
#include "tests/fuzz/demand.h"

namespace {

// Poco refuses half a surrogate pair and a number beyond its types, which are JSON by the grammar.
bool is_judged(const std::string& text) {
  constexpr std::size_t kDigitsMax = 6, kExponentDigitsMax = 2;
  std::size_t digits = 0, digits_max = kDigitsMax;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (++digits > digits_max) return false;
      continue;
    }
    digits = 0;
    if (c != '+' && c != '-') digits_max = c == 'e' || c == 'E' ? kExponentDigitsMax : kDigitsMax;
  }
  return text.find("\\u") == std::string::npos && otpgw::http::is_utf8(text);
}

Poco::Dynamic::Var parse(const std::string& text) {
  try {
    return Poco::JSON::Parser().parse(text);
  } catch (const Poco::Exception&) {
    demand(false);
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace otpgw;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto members = http::json_members(text);
  const bool is_json = http::is_json(text);
  if (members) demand(is_json);
  if (const auto string = http::json_string(text)) demand(is_json);
  if (!members || !is_judged(text)) return 0;
  const auto object = parse(text).extract<Poco::JSON::Object::Ptr>();
  for (const auto& [name, value] : *members) {
    demand(http::is_json(value));
    if (name.find('\0') == std::string::npos) demand(object->has(name));
  }
  return 0;
}
