#include "core/otp/code.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace otpgw::otp {
namespace {

constexpr char kKdfContext[] = "otpgwkey";  // crypto_kdf_CONTEXTBYTES characters
static_assert(sizeof kKdfContext - 1 == crypto_kdf_CONTEXTBYTES);

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The first code point of each run of ten decimal digits (Unicode 15, category Nd) that people type on
// phones.
constexpr uint32_t kDigitZeros[] = {0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6,  0x0A66,  0x0AE6, 0x0B66,
                                    0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,  0x0E50,  0x0ED0, 0x0F20,
                                    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946,  0x19D0,  0x1A80, 0x1A90,
                                    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,  0xA8D0,  0xA900, 0xA9D0,
                                    0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x11066, 0x1D7CE};

// Length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
std::string joined(std::string_view name_space, std::string_view id) {
  std::string text = std::to_string(name_space.size());
  return text.append(":").append(name_space).append(std::to_string(id.size())).append(":").append(id);
}

std::string keyed_hash(std::string_view text, const CodeVault::Key& key) {
  std::string out(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), bytes(text), text.size(),
                     key.data(), key.size());
  return out;
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
  std::string text(count * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes(raw), raw.size());
  text.pop_back();
  return text;
}

bool is_digits(std::string_view code) {
  return !code.empty() && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
}

std::string normalise_digits(std::string_view guess) {
  std::string out;
  for (std::size_t i = 0; i < guess.size();) {
    const auto lead = static_cast<unsigned char>(guess[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size && i + k < guess.size(); ++k) {
      c = c << 6 | (static_cast<unsigned char>(guess[i + k]) & 0x3fu);
    }
    const auto zero = std::ranges::find_if(kDigitZeros, [c](uint32_t z) { return c >= z && c < z + 10; });
    const bool space = c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || (c >= 0x2000 && c <= 0x200f) ||
                       c == 0x202f || c == 0x2060 || c == 0x3000 || c == 0xfeff;
    const bool dash = c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xff0d;
    if (zero != std::end(kDigitZeros)) {
      out.push_back(static_cast<char>('0' + (c - *zero)));
    } else if (!space && !dash) {
      out.append(guess.substr(i, size));
    }
    i += size;
  }
  return out;
}

CodeVault::CodeVault(const Key& key) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium can't start");
  crypto_kdf_derive_from_key(hash_key_.data(), kKeyBytes, 1, kKdfContext, key.data());
  crypto_kdf_derive_from_key(seal_key_.data(), kKeyBytes, 2, kKdfContext, key.data());
  crypto_kdf_derive_from_key(digest_key_.data(), kKeyBytes, 3, kKdfContext, key.data());
}

std::expected<CodeVault, std::string> CodeVault::open_file(const std::filesystem::path& file, bool create) {
  const auto failed = [&](const std::string& what) {
    return std::unexpected(file.string() + ": " + what + ": " + std::strerror(errno));
  };
  Key key;
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && create) {
    randombytes_buf(key.data(), key.size());
    // Written beside and renamed: a crash in between leaves no half key.
    const auto draft = file.string() + ".new";
    fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return failed("can't create the key file");
    const bool written =
        ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(draft.c_str(), file.c_str()) != 0) return failed("can't write the key file");
    const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || ::fsync(folder) != 0) return failed("can't write the key file");
    ::close(folder);
    return CodeVault(key);
  }
  if (fd < 0 && errno == ENOENT) {
    return std::unexpected(
        file.string() +
        ": the key file is missing although the database exists; put the key back (from a backup), "
        "or remove the database to start anew");
  }
  if (fd < 0) return failed("can't read the key file");
  struct stat status {};
  const bool whole = ::fstat(fd, &status) == 0 && status.st_size == static_cast<off_t>(key.size()) &&
                     ::read(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size());
  ::close(fd);
  if (!whole) return std::unexpected(file.string() + ": the key file must hold exactly 32 bytes");
  if (status.st_mode & 077) {
    return std::unexpected(file.string() + ": the key file can be read by others; run: chmod 600 " +
                           file.string());
  }
  return CodeVault(key);
}

std::string CodeVault::hash(std::string_view name_space, std::string_view id, std::string_view code) const {
  return keyed_hash(joined(name_space, id).append(code), hash_key_);
}

std::string CodeVault::digest(std::string_view purpose, std::string_view name_space, std::string_view subject,
                              std::size_t count) const {
  return keyed_hash(joined(purpose, name_space).append(subject), digest_key_).substr(0, count);
}

std::string CodeVault::seal(std::string_view name_space, std::string_view id, std::string_view code) const {
  constexpr auto kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  const auto bound_to = joined(name_space, id);
  std::string out(kNonce + code.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  randombytes_buf(raw, kNonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw + kNonce, nullptr, bytes(code), code.size(), bytes(bound_to),
                                             bound_to.size(), nullptr, raw, seal_key_.data());
  return out;
}

std::optional<std::string> CodeVault::open(std::string_view name_space, std::string_view id,
                                           std::string_view sealed) const {
  constexpr auto kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr auto kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (sealed.size() < kNonce + kTag) return {};
  const auto bound_to = joined(name_space, id);
  std::string code(sealed.size() - kNonce - kTag, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(code.data()), nullptr, nullptr, bytes(sealed) + kNonce,
          sealed.size() - kNonce, bytes(bound_to), bound_to.size(), bytes(sealed), seal_key_.data()) != 0) {
    return {};
  }
  return code;
}

}  // namespace otpgw::otp
