#include "core/auth/secret_commands.h"

#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>

namespace otpgw::auth {
namespace {

constexpr int kExitUsage = 2;

// While it lives, a terminal on standard input does not show what is typed.
class Unseen {
 public:
  Unseen() : terminal_(::tcgetattr(STDIN_FILENO, &shown_) == 0) {
    if (!terminal_) return;
    auto unseen = shown_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
    std::cerr << "Secret: " << std::flush;
  }
  ~Unseen() {
    if (!terminal_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_);
    std::cerr << "\n";
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  termios shown_{};
  bool terminal_;
};

void print_hash(const std::string& secret) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  std::array<char, hash.size() * 2 + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  std::cout << "secret_sha256 = \"" << hex.data() << "\"\n";
}

}  // namespace

int hash_secret() {
  std::string secret;
  {
    const Unseen unseen;
    std::getline(std::cin, secret);
  }
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) {
    std::cerr << "otpgateway: expected a secret, one line on standard input; got nothing\n";
    return kExitUsage;
  }
  print_hash(secret);
  return EXIT_SUCCESS;
}

int new_secret() {
  if (sodium_init() < 0) {
    std::cerr << "otpgateway: libsodium can't start\n";
    return kExitUsage;
  }
  std::array<unsigned char, 32> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  // Of letters, digits, "-" and "_": nothing that a shell, a URL or an environment file takes amiss.
  std::array<char, sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING)> secret;
  sodium_bin2base64(secret.data(), secret.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  std::cout << secret.data() << "\n";
  print_hash(secret.data());
  return EXIT_SUCCESS;
}

}  // namespace otpgw::auth
