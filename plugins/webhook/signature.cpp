#include "signature.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace otpgw::webhook {
namespace {

constexpr std::size_t kSecretBytesMax = 512;
constexpr std::size_t kGoodKeyBytesMin = 24;
constexpr std::string_view kPrefix = "whsec_";

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string decoded(std::string_view base64) {
  std::string key(base64.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const bool good =
      ::sodium_base642bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), base64.data(),
                          base64.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
      end == base64.data() + base64.size() && size > 0;
  if (!good) throw std::invalid_argument("secret: expected base64 with its padding after whsec_");
  key.resize(size);
  return key;
}

}  // namespace

Signer::Signer(const JsonConfig& config) {
  const auto secret = config.text("secret");
  if (secret.size() > kSecretBytesMax)
    throw std::invalid_argument("secret: expected at most " + std::to_string(kSecretBytesMax) + " bytes");
  key_ = secret.starts_with(kPrefix) ? decoded(std::string_view(secret).substr(kPrefix.size())) : secret;
}

bool Signer::key_is_short() const { return signs() && key_.size() < kGoodKeyBytesMin; }

std::vector<std::string> Signer::headers(std::string_view id, int64_t unix_seconds,
                                         std::string_view body) const {
  const auto timestamp = std::to_string(unix_seconds);
  crypto_auth_hmacsha256_state state;
  ::crypto_auth_hmacsha256_init(&state, bytes(key_), key_.size());
  for (const std::string_view part :
       {id, std::string_view("."), std::string_view(timestamp), std::string_view("."), body})
    ::crypto_auth_hmacsha256_update(&state, bytes(part), part.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  ::crypto_auth_hmacsha256_final(&state, mac.data());
  std::array<char, sodium_base64_ENCODED_LEN(crypto_auth_hmacsha256_BYTES, sodium_base64_VARIANT_ORIGINAL)>
      base64{};
  ::sodium_bin2base64(base64.data(), base64.size(), mac.data(), mac.size(), sodium_base64_VARIANT_ORIGINAL);
  return {"webhook-id: " + std::string(id), "webhook-timestamp: " + timestamp,
          "webhook-signature: v1," + std::string(base64.data())};
}

}  // namespace otpgw::webhook
