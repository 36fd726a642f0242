// The last line of defence of the logs, in the core as in a worker. The first is that nobody passes a code, a
// secret or an address to them at all; this catches what slips through in the words of others: an upstream, a
// library, a plug-in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace otpgw::wire {

class Redaction {
 public:
  // A shorter secret stands in many a word by chance; more than so many make logging slow.
  static constexpr std::size_t kSecretBytesMin = 6, kSecretsMax = 256;
  // A shorter one counts as a word of its own only: with the secret "secret" a complaint about secret_key
  // must still say so.
  static constexpr std::size_t kSecretBytesAnywhere = 12;

  Redaction() = default;
  // The configuration's secrets. Those that are too short, or too many, are left out.
  explicit Redaction(std::vector<std::string> secrets);

  // The text with "[secret]" for each of them.
  [[nodiscard]] std::string without_secrets(std::string text) const;
  // Also with "[address]" for what looks like an e-mail address or an international phone number. A code
  // looks like any other number: nothing but the first line of defence keeps it out.
  [[nodiscard]] std::string line(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace otpgw::wire
