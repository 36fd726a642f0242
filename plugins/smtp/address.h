// E-mail addresses: the part of RFC 5321 that people's mailboxes have.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace otpgw::smtp {

inline constexpr std::size_t kAddressBytesMax = 254;

// The address with a lower-case domain, or a sentence for the person who typed it. Not taken: quoted local
// parts, comments, anything outside ASCII, and so any way to put a second line or a second address into a
// command.
[[nodiscard]] std::expected<std::string, std::string> normalise_address(std::string_view address);

}  // namespace otpgw::smtp
