// Codes: making them, reading what a person typed, and keeping them at rest.
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace otpgw::otp {

// `length` random decimal digits, unbiased (rejection sampling), from the system's CSPRNG.
[[nodiscard]] std::string random_digits(int length);
// `bytes` random bytes in lower-case hexadecimal.
[[nodiscard]] std::string random_hex(std::size_t bytes);

// All ASCII digits, and not empty?
[[nodiscard]] bool is_digits(std::string_view code);
// What a guess at an all-digit code means: Unicode decimal digits become ASCII ones, white space and dashes
// go
// ("١٢٣ ٤٥٦", "123-456" -> "123456"). Other characters stay, so that the guess is wrong.
[[nodiscard]] std::string normalise_digits(std::string_view guess);

// The keys of one installation. Codes at rest are a keyed hash (to compare inside the store's transaction)
// and an AEAD ciphertext (to send again). Immutable after construction: any thread may call.
class CodeVault {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  using Key = std::array<unsigned char, kKeyBytes>;

  explicit CodeVault(const Key& key);
  // Reads the 0600 key file. `create`: makes it (durably) when there is none; without it a missing file is an
  // error, because what was sealed with the old key could never be opened again. The error is one line.
  [[nodiscard]] static std::expected<CodeVault, std::string> open_file(const std::filesystem::path& file,
                                                                       bool create);

  // Keyed BLAKE2b over namespace, id and code: equal exactly when all three are.
  [[nodiscard]] std::string hash(std::string_view name_space, std::string_view id,
                                 std::string_view code) const;
  // The first `count` bytes (at most 32) of a keyed hash over purpose, namespace and subject, with a key of
  // its own: what may be kept or shown of a subject without keeping or showing it.
  [[nodiscard]] std::string digest(std::string_view purpose, std::string_view name_space,
                                   std::string_view subject, std::size_t count) const;
  // XChaCha20-Poly1305, bound to namespace and id.
  [[nodiscard]] std::string seal(std::string_view name_space, std::string_view id,
                                 std::string_view code) const;
  // Nothing when the bytes are not what seal() made for this namespace and id.
  [[nodiscard]] std::optional<std::string> open(std::string_view name_space, std::string_view id,
                                                std::string_view sealed) const;

 private:
  Key hash_key_, seal_key_, digest_key_;
};

}  // namespace otpgw::otp
