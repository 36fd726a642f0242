#include "core/auth/basic_auth.h"

#include <sodium.h>

namespace otpgw::auth {
namespace {

constexpr std::size_t kCredentialsBytesMax = 4096;

// Hashes have one length, so comparing them tells nothing about a secret's.
std::string hash(std::string_view secret) {
  std::string out(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(out.data()),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  return out;
}

std::string from_hex(const std::string& hex) {
  std::string out(crypto_hash_sha256_BYTES, '\0');
  sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), hex.data(), hex.size(), nullptr,
                 nullptr, nullptr);
  return out;
}

bool is_basic(std::string_view scheme) {
  return scheme.size() >= 6 && (scheme[0] | 32) == 'b' && (scheme[1] | 32) == 'a' &&
         (scheme[2] | 32) == 's' && (scheme[3] | 32) == 'i' && (scheme[4] | 32) == 'c' && scheme[5] == ' ';
}

}  // namespace

BasicAuth::BasicAuth(const config::Config& config) {
  std::size_t most = 1;
  for (const auto& [name, name_space] : config.namespaces) {
    Entry entry{&name_space, {}};
    for (const auto& secret : name_space.secrets) entry.secret_hashes.push_back(hash(secret));
    for (const auto& hex : name_space.secret_sha256) entry.secret_hashes.push_back(from_hex(hex));
    most = std::max(most, entry.secret_hashes.size());
    entries_.emplace(name, std::move(entry));
  }
  std::string decoy(crypto_hash_sha256_BYTES, '\0');
  randombytes_buf(decoy.data(), decoy.size());
  decoy_hashes_.assign(most, decoy);
  for (auto& [name, entry] : entries_) entry.secret_hashes.resize(most, decoy);
}

std::expected<const config::Namespace*, std::string_view> BasicAuth::check(
    std::string_view authorization) const {
  if (!is_basic(authorization)) return std::unexpected("Missing Basic Authorization header.");
  auto base64 = authorization.substr(6);
  while (base64.starts_with(' ')) base64.remove_prefix(1);
  std::string credentials(std::min(base64.size(), kCredentialsBytesMax), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(credentials.data()), credentials.size(),
                        base64.data(), base64.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::unexpected("Invalid Base64 value in Basic Authorization header.");
  }
  credentials.resize(size);
  const auto colon = credentials.find(':');
  if (colon == std::string::npos) return std::unexpected("Invalid value in Basic Authorization header.");
  const auto entry = entries_.find(std::string_view(credentials).substr(0, colon));
  const auto given = hash(std::string_view(credentials).substr(colon + 1));
  bool right = false;
  for (const auto& wanted : entry == entries_.end() ? decoy_hashes_ : entry->second.secret_hashes)
    right |= sodium_memcmp(given.data(), wanted.data(), given.size()) == 0;
  if (!right || entry == entries_.end()) {
    return std::unexpected("Invalid API credentials.");
  }
  return entry->second.name_space;
}

}  // namespace otpgw::auth
