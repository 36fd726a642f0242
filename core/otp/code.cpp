#include "core/otp/code.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/otp/text.h"

namespace otpgw::otp {
namespace {

constexpr char kKdfContext[] = "otpgwkey";  // crypto_kdf_CONTEXTBYTES characters
static_assert(sizeof kKdfContext - 1 == crypto_kdf_CONTEXTBYTES);

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
std::string joined(std::string_view name_space, std::string_view id) {
  std::string text = std::to_string(name_space.size());
  return text.append(":").append(name_space).append(std::to_string(id.size())).append(":").append(id);
}

constexpr std::size_t kViewKeyBytes = 16;

std::string keyed_hash(std::string_view text, const Key& key) {
  std::string out(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), bytes(text), text.size(),
                     key.data(), key.size());
  return out;
}

std::string hex(std::string_view raw) {
  std::string text(raw.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes(raw), raw.size());
  text.pop_back();
  return text;
}

std::string view_key_of(std::string_view name_space, std::string_view id, const Key& key) {
  return hex(keyed_hash(joined(name_space, id), key).substr(0, kViewKeyBytes));
}

}  // namespace

std::string random_digits(int length) {
  // Rejection sampling as randombytes_uniform does it, but a code's bytes are drawn in one system call, not
  // one each: 250 values fall evenly on ten digits, the six above are drawn anew.
  std::string code;
  std::array<unsigned char, 16> bytes;
  while (code.size() < static_cast<std::size_t>(length)) {
    randombytes_buf(bytes.data(), bytes.size());
    for (std::size_t i = 0; i < bytes.size() && code.size() < static_cast<std::size_t>(length); ++i) {
      if (bytes[i] < 250) code.push_back(static_cast<char>('0' + bytes[i] % 10));
    }
  }
  return code;
}

std::string random_hex(std::size_t count) {
  std::string raw(count, '\0');
  randombytes_buf(raw.data(), raw.size());
  return hex(raw);
}

bool is_digits(std::string_view code) {
  return !code.empty() && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
}

std::string normalise_digits(std::string_view guess) {
  auto digits = plain(guess);
  std::erase_if(digits, [](char c) { return c == ' ' || c == '-'; });
  return digits;
}

std::string fingerprint(const Key& key) {
  std::string raw(crypto_kdf_BYTES_MIN, '\0');
  crypto_kdf_derive_from_key(reinterpret_cast<unsigned char*>(raw.data()), raw.size(), 5, kKdfContext,
                             key.data());
  return hex(raw);
}

CodeVault::Keys::Keys(const Key& key) : main(key) {
  crypto_kdf_derive_from_key(hash.data(), kKeyBytes, 1, kKdfContext, key.data());
  crypto_kdf_derive_from_key(seal.data(), kKeyBytes, 2, kKdfContext, key.data());
  crypto_kdf_derive_from_key(digest.data(), kKeyBytes, 3, kKdfContext, key.data());
  crypto_kdf_derive_from_key(view.data(), kKeyBytes, 4, kKdfContext, key.data());
}

CodeVault::CodeVault(const KeyRing& ring) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium can't start");
  ring_ = std::make_shared<const std::vector<Keys>>(ring.begin(), ring.end());
}

void CodeVault::exchange(const KeyRing& ring) {
  auto fresh = std::make_shared<const std::vector<Keys>>(ring.begin(), ring.end());
  const std::lock_guard lock(mutex_);
  ring_ = std::move(fresh);
}

KeyRing CodeVault::keys() const {
  KeyRing all;
  const auto present = ring();
  for (const auto& keys : *present) all.push_back(keys.main);
  return all;
}

CodeVault::Ring CodeVault::ring() const {
  const std::lock_guard lock(mutex_);
  return ring_;
}

std::string CodeVault::hash(std::string_view name_space, std::string_view id, std::string_view code) const {
  return keyed_hash(joined(name_space, id).append(code), ring()->front().hash);
}

std::vector<std::string> CodeVault::hashes(std::string_view name_space, std::string_view id,
                                           std::string_view code) const {
  const auto text = joined(name_space, id).append(code);
  std::vector<std::string> all;
  const auto ring = this->ring();
  for (const auto& keys : *ring) all.push_back(keyed_hash(text, keys.hash));
  return all;
}

std::string CodeVault::digest(std::string_view purpose, std::string_view name_space, std::string_view subject,
                              std::size_t count) const {
  return keyed_hash(joined(purpose, name_space).append(subject), ring()->front().digest).substr(0, count);
}

std::string CodeVault::seal(std::string_view name_space, std::string_view id, std::string_view code) const {
  constexpr auto kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  const auto bound_to = joined(name_space, id);
  std::string out(kNonce + code.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  randombytes_buf(raw, kNonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw + kNonce, nullptr, bytes(code), code.size(), bytes(bound_to),
                                             bound_to.size(), nullptr, raw, ring()->front().seal.data());
  return out;
}

std::optional<std::string> CodeVault::open(std::string_view name_space, std::string_view id,
                                           std::string_view sealed) const {
  constexpr auto kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr auto kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (sealed.size() < kNonce + kTag) return {};
  const auto bound_to = joined(name_space, id);
  std::string code(sealed.size() - kNonce - kTag, '\0');
  const auto ring = this->ring();
  for (const auto& keys : *ring) {
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            reinterpret_cast<unsigned char*>(code.data()), nullptr, nullptr, bytes(sealed) + kNonce,
            sealed.size() - kNonce, bytes(bound_to), bound_to.size(), bytes(sealed), keys.seal.data()) == 0) {
      return code;
    }
  }
  return {};
}

std::string CodeVault::view_key(std::string_view name_space, std::string_view id) const {
  return view_key_of(name_space, id, ring()->front().view);
}

bool CodeVault::is_view_key(std::string_view name_space, std::string_view id, std::string_view given) const {
  bool right = false;
  const auto ring = this->ring();
  for (const auto& keys : *ring) {
    const auto wanted = view_key_of(name_space, id, keys.view);
    right |= given.size() == wanted.size() && sodium_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
  }
  return right;
}

}  // namespace otpgw::otp
