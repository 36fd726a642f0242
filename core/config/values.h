// How a value of the tree reads as a type. Each returns nothing when it doesn't.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/tree.h"

namespace otpgw::config {

[[nodiscard]] std::optional<std::string> as_text(const Node& node);
// Whole numbers; they may be quoted.
[[nodiscard]] std::optional<int64_t> as_integer(const Node& node);
// true and false; they may be quoted, as a variable's always are.
[[nodiscard]] std::optional<bool> as_boolean(const Node& node);
// "5s", "1m30s", or a number of seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> as_duration(const Node& node);
// "64MiB", "1GiB", "512KiB", or a number of bytes.
[[nodiscard]] std::optional<int64_t> as_size(const Node& node);
// A list of texts, or one text with commas, as a variable has it.
[[nodiscard]] std::optional<std::vector<std::string>> as_texts(const Node& node);

// The value as an error message shows it, at most 64 bytes long: "soon" in quotes, 5, true, a list, a
// section.
[[nodiscard]] std::string shown(const Node& node);

}  // namespace otpgw::config
