#include "core/limits/policy.h"

#include <algorithm>

#include "core/limits/counted_address.h"

namespace otpgw::limits {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kTagBytes = 5;

// What `form` makes of each address that the OTP's providers send to, each once.
template <class Form>
std::vector<std::string> forms_of(const otp::Otp& otp, Form form) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& address) {
    if (auto text = form(address); !text.empty() && std::ranges::count(all, text) == 0)
      all.push_back(std::move(text));
  };
  add(otp.to_normalised);
  for (const auto& step : otp.fallback.steps) add(step.to_normalised);
  return all;
}

// Crockford's letters: none that is taken for another.
std::string base32(std::string_view bytes) {
  constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string text;
  unsigned bits = 0, have = 0;
  for (const unsigned char byte : bytes) {
    bits = (bits << 8 | byte) & 0xffff;
    for (have += 8; have >= 5; have -= 5) text.push_back(kLetters[bits >> (have - 5) & 31]);
  }
  return text.substr(0, bytes.size() * 8 / 5);
}

}  // namespace

std::string Policy::key(Limit limit, std::string_view name_space, std::string_view subject) const {
  return vault_.digest(name(limit), name_space, subject, kKeyBytes);
}

void Policy::add_addresses(Accounts& accounts, Limit limit, const config::Rates& rates,
                           const otp::Otp& otp) const {
  if (rates.empty()) return;
  for (const auto& address : forms_of(otp, counted_address))
    accounts.push_back({limit, key(limit, otp.name_space, address), &rates});
}

Accounts Policy::sends(const otp::Otp& otp) const {
  Accounts accounts;
  add_addresses(accounts, Limit::address_sends, limits_.address_sends, otp);
  if (!limits_.client_sends.empty() && !otp.client.empty())
    accounts.push_back({Limit::client_sends, otp.client, &limits_.client_sends});
  if (!limits_.namespace_sends.empty()) {
    accounts.push_back(
        {Limit::namespace_sends, key(Limit::namespace_sends, otp.name_space, ""), &limits_.namespace_sends});
  }
  if (limits_.prefix_sends.empty()) return accounts;
  const auto prefix = [this](const std::string& address) {
    return e164_of(address).substr(0, 1 + static_cast<std::size_t>(limits_.prefix_digits));
  };
  for (const auto& begins : forms_of(otp, prefix)) {
    accounts.push_back(
        {Limit::prefix_sends, key(Limit::prefix_sends, otp.name_space, begins), &limits_.prefix_sends});
  }
  return accounts;
}

Accounts Policy::guesses(const otp::Otp& otp) const {
  Accounts accounts;
  add_addresses(accounts, Limit::address_guesses, limits_.address_guesses, otp);
  return accounts;
}

Accounts Policy::page_posts(std::string_view client) const {
  if (limits_.ip_posts.empty() || client.empty()) return {};
  return {{Limit::ip_posts, key(Limit::ip_posts, "", client), &limits_.ip_posts}};
}

bool Policy::allows_country(std::string_view country) const {
  return limits_.countries.empty() || limits_.countries.contains(country);
}

std::string Policy::client_key(std::string_view name_space, std::string_view client) const {
  return client.empty() ? std::string() : key(Limit::client_sends, name_space, client);
}

std::vector<std::string> Policy::keys_of(std::string_view name_space, std::string_view address) const {
  const auto subject = counted_address(address);
  return {key(Limit::address_sends, name_space, subject), key(Limit::address_guesses, name_space, subject)};
}

std::string address_tag(const otp::CodeVault& vault, std::string_view address) {
  // Eight letters are 40 bits.
  return base32(vault.digest("address_tag", "", counted_address(address), kTagBytes));
}

}  // namespace otpgw::limits
