// The file of the keys with which codes are kept at rest: 32 bytes each, the newest first. New codes are
// sealed with the newest; the others are there for as long as codes live that were sealed with them.
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace otpgw::otp {

inline constexpr std::size_t kKeyBytes = 32;
// More than two are there only when keys are replaced again before the codes of the former ones have expired.
inline constexpr std::size_t kKeysMax = 4;
using Key = std::array<unsigned char, kKeyBytes>;
using KeyRing = std::vector<Key>;  // newest first, 1 to kKeysMax

// From the system's random numbers.
[[nodiscard]] Key fresh_key();

// All errors are one line with the file's name.

// A file that others than its owner can read is refused; one that belongs to somebody else (root) may let our
// group read it.
[[nodiscard]] std::expected<KeyRing, std::string> read_key_file(const std::filesystem::path& file);

// The same, and makes the file (durably, with one key) when there is none and `create` allows it. Without it
// a missing file is an error: what was sealed with its keys could never be opened again.
[[nodiscard]] std::expected<KeyRing, std::string> read_or_make_key_file(const std::filesystem::path& file,
                                                                        bool create);

// What is in the file now, which stays its owner's and keeps its mode, is replaced durably and all at once.
// Which keys may go is the affair of key_rotation.h.
[[nodiscard]] std::expected<void, std::string> replace_key_file(const std::filesystem::path& file,
                                                                const KeyRing& ring);

}  // namespace otpgw::otp
