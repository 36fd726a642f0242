// otpgateway-provider: shows what a plug-in file offers, without a gateway.
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>

#include "otpgw/provider.h"
#include "worker/plugin_library.h"

namespace {

constexpr const char* kUsage =
    "Usage: otpgateway-provider info FILE.so   shows the providers that the plug-in offers\n"
    "       otpgateway-provider --version | --help\n";

const char* channel_name(otpgw::wire::ChannelKind kind) {
  constexpr const char* kNames[] = {"other", "e-mail", "SMS", "WhatsApp", "voice"};
  return kNames[static_cast<std::size_t>(kind)];
}

int info(const char* file) {
  const auto library = otpgw::worker::PluginLibrary::load(file);
  if (!library) {
    std::cerr << library.error() << '\n';
    return 1;
  }
  std::cout << "plug-in ABI " << OTPGW_ABI_MAJOR << '.' << (*library)->abi_minor() << '\n';
  for (const auto& d : (*library)->descriptors()) {
    std::cout << "\n[providers." << d.id << "]\n"
              << "  name            " << d.name << ' ' << d.version << " by " << d.vendor << '\n'
              << "  channel         " << channel_name(d.channel_kind) << ", shown as \"" << d.channel_name
              << "\"\n"
              << "  address         \"" << d.address_name << "\", at most " << d.address_bytes_max
              << " bytes\n"
              << "  longest code    " << d.otp_length_max << " characters\n"
              << "  longest message " << d.body_bytes_max << " bytes\n"
              << "  threads         "
              << ((d.flags & OTPGW_FLAG_THREAD_SAFE) != 0 ? "share one instance" : "one instance each")
              << '\n'
              << "  second sending  "
              << ((d.flags & OTPGW_FLAG_IDEMPOTENT) != 0 ? "harmless: the job's id is honoured"
                                                         : "may reach the person twice")
              << '\n';
    if (!d.config_schema.empty()) std::cout << "  configuration   " << d.config_schema << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::strcmp(argv[1], "info") == 0) return info(argv[2]);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::cout << "otpgateway-provider " OTPGW_VERSION "\n";
    return 0;
  }
  const bool asked = argc == 2 && std::strcmp(argv[1], "--help") == 0;
  (asked ? std::cout : std::cerr) << kUsage;
  return asked ? 0 : 2;
}
