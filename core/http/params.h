// The parameters of a request: query and body (urlencoded, multipart or JSON) as one set of names and texts.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/http/message.h"

namespace otpgw::http {

class Params {
 public:
  // Null when the parameter was not given.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  // "" when not given.
  [[nodiscard]] const std::string& get(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return items_; }

 private:
  friend std::expected<Params, std::string> parse_params(const Request& request);
  std::vector<std::pair<std::string, std::string>> items_;
};

// The error is a sentence for a 400: a parameter given twice, bad encoding, invalid UTF-8, a body of another
// type. JSON bodies are objects; strings, numbers and booleans become their text, `extra` keeps its JSON
// text, null is "not given".
[[nodiscard]] std::expected<Params, std::string> parse_params(const Request& request);

// RFC 3986. encode() leaves unreserved characters alone. decode() fails on a bad escape or a NUL; `plus`
// reads '+' as a space.
[[nodiscard]] std::string percent_encode(std::string_view text);
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus = false);

// Well-formed UTF-8 without NUL?
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace otpgw::http
