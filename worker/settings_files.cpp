#include <unistd.h>

#include <map>
#include <string_view>

#include "core/config/config.h"
#include "worker/log.h"
#include "worker/settings.h"

namespace otpgw::worker {
namespace {

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (const auto equals = variable.find('='); equals != variable.npos)
      variables.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return variables;
}

}  // namespace

std::expected<Settings, std::string> settings_from_files(const std::vector<std::filesystem::path>& files,
                                                         const std::string& provider) {
  std::error_code error;
  // The build tree and an installed prefix have the same shape: bin/, share/otpgateway/, lib/otpgateway/.
  const auto prefix = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  auto config = config::load({.files = files,
                              .environment = environment(),
                              .share_dir = prefix / "share/otpgateway",
                              .plugins_dir = prefix / "lib/otpgateway/providers",
                              .only_provider = provider});
  if (!config) return std::unexpected(config.error());
  const auto section = config->providers.find(provider);
  if (section == config->providers.end())
    return std::unexpected("no enabled section [providers." + provider + "] in the configuration");
  if (config->workers.endpoint.empty())
    return std::unexpected(
        "workers.endpoint: missing; a worker that is started by itself needs the core's ipc:// address");
  return Settings{.endpoint = config->workers.endpoint,
                  .provider = provider,
                  .section = section->second.where + ": " + section->second.section,
                  .instance = {},
                  .plugin = section->second.plugin,
                  .max_conns = section->second.max_conns,
                  .plugin_config = section->second.plugin_config};
}

}  // namespace otpgw::worker
