// The mustache templates of `url` and `body`: {{to}}, {{otp}} and so on, each value escaped for the text that
// it goes into.
#pragma once

#include <array>
#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>

#include "escape.h"

namespace otpgw::webhook {

// Every field, and what it holds: README.md.
inline constexpr std::array<std::string_view, 11> kFieldNames = {
    "to", "to_digits", "otp", "subject", "body", "namespace", "id", "job_id", "ttl", "locale", "extra"};

// A value for each of kFieldNames, in that order. `extra` is JSON.
using Fields = std::array<std::string, kFieldNames.size()>;

// For trying a template out: `all` gives every field a value that needs escaping, else those that may be
// missing are empty. `numbers_only`: to_digits is a number.
[[nodiscard]] Fields sample_fields(bool all, bool numbers_only);

// One thread at a time.
class FieldTemplate {
 public:
  // Throws std::invalid_argument with what is wrong, without the key's name: a tag of another kind, a field
  // that does not exist, a section without an end.
  FieldTemplate(const std::string& text, Escape escape);

  [[nodiscard]] std::string render(const Fields& fields);

 private:
  const Escape escape_;
  kainjow::mustache::mustache mustache_;
};

}  // namespace otpgw::webhook
