// How a value gets into a text that has a syntax of its own.
#pragma once

#include <string>
#include <string_view>

namespace otpgw::webhook {

enum class Escape {
  none,
  json,    // for the inside of a JSON string
  percent  // for a form or a query
};

[[nodiscard]] std::string escaped(std::string_view text, Escape escape);

}  // namespace otpgw::webhook
