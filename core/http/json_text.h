// JSON read as text: checked strictly (RFC 8259) and cut into values without building a tree, because `extra`
// is stored and returned verbatim: a tree would reorder members and round numbers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace otpgw::http {

inline constexpr int kJsonDepthMax = 32;

// Is the whole text one JSON value (white space around it allowed)?
[[nodiscard]] bool is_json(std::string_view text);

// The members of a JSON object, names decoded, values as their text; nothing when it is not one object.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string_view>>> json_members(
    std::string_view text);

// What a JSON string's text ("a\u00e9", quotes included) says, as UTF-8; nothing for another kind of value or
// a lone surrogate.
[[nodiscard]] std::optional<std::string> json_string(std::string_view text);

}  // namespace otpgw::http
