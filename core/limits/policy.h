// What one reading of [limits] asks of a send, of a guess, and of a POST to a page: which counters they are
// charged to. Immutable: any thread may ask.
//
// A counter's key is a keyed hash of the namespace and of what it counts for. An address is what
// counted_address() makes of the form that the provider has normalised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/limits/limit.h"
#include "core/otp/code.h"
#include "core/otp/otp.h"

namespace otpgw::limits {

class Policy {
 public:
  // `vault` must outlive it.
  Policy(const config::Limits& limits, const otp::CodeVault& vault) : limits_(limits), vault_(vault) {}

  // False: what is over a limit is counted and passes all the same.
  [[nodiscard]] bool enforces() const { return limits_.enforce; }
  [[nodiscard]] std::chrono::milliseconds resend_cooldown() const { return limits_.resend_cooldown; }

  // A sending of the OTP's code: to its address, in each form that its providers have of it, for the client,
  // the namespace, and the beginning of the number in each form that has its country's code. One that goes on
  // with the next provider of a list is still the same sending.
  [[nodiscard]] Accounts sends(const otp::Otp& otp) const;
  // A wrong guess at it.
  [[nodiscard]] Accounts guesses(const otp::Otp& otp) const;
  // A POST to a page that failed. `client` as client_network() has it.
  [[nodiscard]] Accounts page_posts(std::string_view client) const;

  // May codes be sent to this country? "": not known.
  [[nodiscard]] bool allows_country(std::string_view country) const;
  [[nodiscard]] bool limits_countries() const { return !limits_.countries.empty(); }

  // Otp::client: what is kept of PUT's client_ip.
  [[nodiscard]] std::string client_key(std::string_view name_space, std::string_view client) const;
  // Of the counters that are an address' own.
  [[nodiscard]] std::vector<std::string> keys_of(std::string_view name_space, std::string_view address) const;

 private:
  [[nodiscard]] std::string key(Limit limit, std::string_view name_space, std::string_view subject) const;
  void add_addresses(Accounts& accounts, Limit limit, const config::Rates& rates, const otp::Otp& otp) const;

  const config::Limits limits_;
  const otp::CodeVault& vault_;
};

// What stands for an address in the log: eight letters that say whether two lines mean the same address, and
// that nobody without the key file can turn back.
[[nodiscard]] std::string address_tag(const otp::CodeVault& vault, std::string_view address);

}  // namespace otpgw::limits
