#include "worker/provider_section.h"
#include "worker/settings.h"

namespace otpgw::worker {

std::expected<Settings, std::string> settings_from_files(const std::vector<std::filesystem::path>& files,
                                                         const std::string& provider) {
  const auto config = read_provider_config(files, provider);
  if (!config) return std::unexpected(config.error());
  if (config->workers.endpoint.empty())
    return std::unexpected(
        "workers.endpoint: missing; a worker that is started by itself needs the core's ipc:// address");
  const auto& section = config->providers.at(provider);
  return Settings{.endpoint = config->workers.endpoint,
                  .provider = provider,
                  .section = section.where + ": " + section.section,
                  .instance = {},
                  .plugin = section.plugin,
                  .max_conns = section.max_conns,
                  .plugin_config = section.plugin_config,
                  .secrets = section.secrets};
}

}  // namespace otpgw::worker
