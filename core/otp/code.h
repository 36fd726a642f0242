// Codes: making them, reading what a person typed, and keeping them at rest.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/otp/key_file.h"

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

// Tells keys apart and says nothing about them: 16 bytes in hexadecimal that are derived from the key.
[[nodiscard]] std::string fingerprint(const Key& key);

// The keys of one installation. Codes at rest are a keyed hash (to compare inside the store's transaction)
// and an AEAD ciphertext (to send again). Any thread may call.
class CodeVault {
 public:
  explicit CodeVault(const KeyRing& ring);

  // Works with these from now on: the newest for what is made, any of them for what was made before. Whether
  // codes still need one that is not among them, key_rotation.h knows.
  void exchange(const KeyRing& ring);
  [[nodiscard]] KeyRing keys() const;

  // Keyed BLAKE2b over namespace, id and code: equal exactly when all three are, and the key.
  [[nodiscard]] std::string hash(std::string_view name_space, std::string_view id,
                                 std::string_view code) const;
  // By each key, the newest first: one of them is what hash() made of the same before.
  [[nodiscard]] std::vector<std::string> hashes(std::string_view name_space, std::string_view id,
                                                std::string_view code) const;
  // The first `count` bytes (at most 32) of a keyed hash over purpose, namespace and subject, with a key of
  // its own: what may be kept or shown of a subject without keeping or showing it. Another one once there is
  // a new key.
  [[nodiscard]] std::string digest(std::string_view purpose, std::string_view name_space,
                                   std::string_view subject, std::size_t count) const;
  // XChaCha20-Poly1305, bound to namespace and id.
  [[nodiscard]] std::string seal(std::string_view name_space, std::string_view id,
                                 std::string_view code) const;
  // Nothing when the bytes are not what seal() made for this namespace and id.
  [[nodiscard]] std::optional<std::string> open(std::string_view name_space, std::string_view id,
                                                std::string_view sealed) const;

  // What the links to an OTP's pages carry when its namespace wants it: 128 bits in hexadecimal that nobody
  // can guess who knows the id.
  [[nodiscard]] std::string view_key(std::string_view name_space, std::string_view id) const;
  // Whether that was made for it, by any of the keys. How long that takes tells nothing about a key.
  [[nodiscard]] bool is_view_key(std::string_view name_space, std::string_view id,
                                 std::string_view given) const;

 private:
  struct Keys {
    explicit Keys(const Key& main);
    Key main, hash, seal, digest, view;
  };
  using Ring = std::shared_ptr<const std::vector<Keys>>;
  [[nodiscard]] Ring ring() const;

  mutable std::mutex mutex_;
  Ring ring_;  // mutex_
};

}  // namespace otpgw::otp
