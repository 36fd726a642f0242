#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "worker/tool/checks.h"

namespace otpgw::tool {
namespace {

using wire::AddressVerdict;
using namespace std::chrono_literals;

constexpr auto kValidateMax = 500ms;  // the core waits no longer
constexpr int kThreads = 8, kCallsPerThread = 200;

struct BadAddress {
  std::string what, address;
  bool must_be_refused = true;
};

std::vector<BadAddress> bad_addresses(uint32_t bytes_max) {
  return {{"an empty address", ""},
          {"an address of " + std::to_string(bytes_max + 1) + " bytes", std::string(bytes_max + 1, '1')},
          {"an address of 100,000 bytes", std::string(100'000, '1')},
          {"an address with a line break", "jo\r\nhn@doe.example"},
          {"an address with a NUL", "12345" + std::string(1, '\0') + "678"},
          {"an address with an escape sequence", "\x1B[2J12345"},
          // The gateway lets none of these through: they are to be survived.
          {"an address that is no UTF-8", "\xFF\xFEjohn", false},
          {"an address that ends within a character", "12345\xC3", false}};
}

wire::Address validate(worker::PluginInstance& instance, const std::string& address) {
  return instance.validate({.request = 1, .address = address});
}

bool same(const wire::Address& a, const wire::Address& b) {
  return a.verdict == b.verdict && a.sentence == b.sentence && a.normalised == b.normalised &&
         a.country == b.country;
}

}  // namespace

std::string check_bad_addresses(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  Faults faults;
  const auto instance = plugin.create(faults);
  const auto addresses = bad_addresses(plugin.descriptor().address_bytes_max);
  for (const auto& [what, address, must_be_refused] : addresses) {
    steps.begin("in validate with " + what);
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = validate(*instance, address);
    if (std::chrono::steady_clock::now() - begin > kValidateMax)
      throw Wrong("validate took more than 500 ms for " + what);
    faults.check();
    // One that was cleaned (spaces and dashes of a phone number) is another address.
    if (must_be_refused && answer.verdict == AddressVerdict::valid && answer.normalised.empty())
      throw Wrong("validate takes " + what + " for valid");
    if (answer.verdict != AddressVerdict::valid && answer.sentence.empty())
      throw Wrong("validate refuses " + what + " without a sentence");
    if (address.size() >= 5 && answer.sentence.find(address) != std::string::npos)
      throw Wrong("validate repeats " + what + " in its sentence");
  }
  return std::to_string(addresses.size()) + " tried";
}

std::string check_good_address(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  if (trial.address.empty()) throw NotTried("--to=ADDRESS gives one");
  Faults faults;
  const auto instance = plugin.create(faults);
  steps.begin("in validate");
  const auto first = validate(*instance, trial.address);
  faults.check();
  if (first.verdict != AddressVerdict::valid) throw Wrong("validate refuses it: " + first.sentence);
  const auto normalised = first.normalised.empty() ? trial.address : first.normalised;
  const auto second = validate(*instance, normalised);
  faults.check();
  if (second.verdict != AddressVerdict::valid)
    throw Wrong("validate refuses what it normalised itself: " + second.sentence);
  if (!second.normalised.empty() && second.normalised != normalised)
    throw Wrong("validate normalises what it normalised to something else");
  return "valid" + (normalised == trial.address ? "" : ", normalised to " + normalised) +
         (first.country.empty() ? "" : ", country " + first.country);
}

std::string check_validate_threads(const Trial& trial, const Steps& steps) {
  const Loaded plugin(trial, steps);
  if (!plugin.is_thread_safe())
    throw NotTried("one thread validates: the descriptor is not flagged thread-safe");
  Faults faults;
  const auto instance = plugin.create(faults);
  auto addresses = bad_addresses(plugin.descriptor().address_bytes_max);
  if (!trial.address.empty()) addresses.push_back({"the good address", trial.address});
  steps.begin("in validate on one thread");
  std::vector<wire::Address> expected;
  for (const auto& bad : addresses) expected.push_back(validate(*instance, bad.address));
  steps.begin("in validate on 8 threads at once");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int call = 0; call < kCallsPerThread; ++call) {
        const auto at = static_cast<std::size_t>(i + call) % addresses.size();
        if (!same(validate(*instance, addresses[at].address), expected[at]))
          faults.add("validate answers something else for " + addresses[at].what + " when 8 threads call it");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  faults.check();
  return std::to_string(kThreads * kCallsPerThread) + " calls on one instance";
}

}  // namespace otpgw::tool
