// Reads a small UTF-8 text file whole: configuration, secret, template.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace otpgw::config {

// The folder in which systemd puts a unit's credentials, as the beginning of a file's name in the
// configuration. It stays there unless the variable is set.
inline constexpr std::string_view kCredentialsVariable = "${CREDENTIALS_DIRECTORY}";

// The error says why, without the file's name: "no such file", "it is larger than 64 KiB".
[[nodiscard]] std::expected<std::string, std::string> read_text_file(const std::filesystem::path& file,
                                                                     std::size_t bytes_max);

// What quotes such a file (a key, a tag, the TOML parser's own sentence) can hold line breaks: they become
// '?', as every control character.
[[nodiscard]] std::string one_line(std::string error);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace otpgw::config
