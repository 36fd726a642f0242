// What the command line offers for an application's secret. Neither command reads the configuration or keeps
// anything.
#pragma once

namespace otpgw::auth {

// Reads a secret, one line from standard input (not shown while it is typed), and prints the secret_sha256
// line for its section. Returns the exit code.
[[nodiscard]] int hash_secret();

// Prints a fresh secret for the application (256 random bits), and the secret_sha256 line for its section.
[[nodiscard]] int new_secret();

}  // namespace otpgw::auth
