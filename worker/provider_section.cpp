#include "worker/provider_section.h"

#include <unistd.h>

#include <cstring>
#include <string_view>

namespace otpgw::worker {
namespace {

void add_environment(std::map<std::string, std::string>& variables) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    const auto equals = variable.find('=');
    if (equals == variable.npos) continue;
    variables.emplace(variable.substr(0, equals), variable.substr(equals + 1));
    // Perhaps a secret, which /proc/PID/environ would show.
    if (variable.starts_with("OTP_GATEWAY_"))
      ::explicit_bzero(*entry + equals + 1, variable.size() - equals - 1);
  }
}

}  // namespace

std::expected<config::Config, std::string> read_provider_config(
    const std::vector<std::filesystem::path>& files, const std::string& provider,
    const std::map<std::string, std::string>& overrides) {
  auto variables = overrides;
  add_environment(variables);  // where both have a name, the override's value stays
  std::error_code error;
  // The build tree and an installed prefix have the same shape: bin/, share/otpgateway/, lib/otpgateway/.
  const auto prefix = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  auto config = config::load({.files = files,
                              .environment = variables,
                              .share_dir = prefix / "share/otpgateway",
                              .plugins_dir = prefix / "lib/otpgateway/providers",
                              .only_provider = provider});
  if (config && !config->providers.contains(provider))
    return std::unexpected("no enabled section [providers." + provider + "] in the configuration");
  return config;
}

}  // namespace otpgw::worker
