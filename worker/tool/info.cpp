#include <iostream>
#include <sstream>

#include "otpgw/provider.h"
#include "worker/tool/commands.h"
#include "worker/tool/section.h"

namespace otpgw::tool {
namespace {

const char* channel_name(wire::ChannelKind kind) {
  constexpr const char* kNames[] = {"other", "e-mail", "SMS", "WhatsApp", "voice"};
  return kNames[static_cast<std::size_t>(kind)];
}

void print(const wire::Descriptor& d) {
  std::cout << "\n[providers." << d.id << "]\n"
            << "  name            " << d.name << ' ' << d.version << " by " << d.vendor << '\n'
            << "  channel         " << channel_name(d.channel_kind) << ", shown as \"" << d.channel_name
            << "\"\n"
            << "  address         \"" << d.address_name << "\", at most " << d.address_bytes_max << " bytes\n"
            << "  longest code    " << d.otp_length_max << " characters\n"
            << "  longest message " << d.body_bytes_max << " bytes\n"
            << "  threads         "
            << ((d.flags & OTPGW_FLAG_THREAD_SAFE) != 0 ? "share one instance" : "one instance each") << '\n'
            << "  second sending  "
            << ((d.flags & OTPGW_FLAG_IDEMPOTENT) != 0 ? "harmless: the job's id is honoured"
                                                       : "may reach the person twice")
            << '\n';
  if (!d.config_schema.empty()) std::cout << "  configuration   " << d.config_schema << '\n';
}

}  // namespace

int info(const Options& options) {
  // The library prints for itself, in a child: it may crash or hang while it is loaded.
  const auto found = find_in_child(kLoadMax, [&](const Steps& steps) -> std::string {
    const Loaded plugin({.plugin = options.plugin, .provider = {}, .config = {}, .address = {}}, steps);
    std::cout << "plug-in ABI " << OTPGW_ABI_MAJOR << '.' << plugin.library().abi_minor() << '\n';
    for (const auto& descriptor : plugin.library().descriptors()) print(descriptor);
    std::cout.flush();
    return {};
  });
  if (found.kind == Finding::Kind::good) return kExitGood;
  const auto file = options.plugin.string();
  std::cerr << (found.sentence.starts_with(file) ? "" : file + ": ") << found.sentence << '\n';
  return kExitWrong;
}

}  // namespace otpgw::tool
