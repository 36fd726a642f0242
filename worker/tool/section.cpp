#include "worker/tool/section.h"

#include "worker/provider_section.h"
#include "worker/tool/commands.h"

namespace otpgw::tool {
namespace {

// The name of the provider's section, from the ids that the library offers.
std::expected<std::string, NoTrial> only_id(const std::filesystem::path& plugin) {
  const auto found = find_in_child(kLoadMax, [&](const Steps& steps) {
    const Loaded loaded({.plugin = plugin, .provider = {}, .config = {}, .address = {}}, steps);
    std::string ids;
    for (const auto& descriptor : loaded.library().descriptors())
      ids += (ids.empty() ? "" : " ") + descriptor.id;
    return ids;
  });
  if (found.kind != Finding::Kind::good) return std::unexpected(NoTrial{found.sentence, kExitWrong});
  if (found.sentence.find(' ') != std::string::npos)
    return std::unexpected(NoTrial{
        plugin.string() + " offers " + found.sentence + "; choose one with --provider=NAME", kExitUsage});
  return found.sentence;
}

}  // namespace

std::expected<Trial, NoTrial> trial_for(const Options& options) {
  Trial trial{.plugin = options.plugin,
              .provider = options.provider,
              .config = {},
              .address = options.address,
              .send = options.send};
  if (trial.provider.empty()) {
    const auto id = only_id(options.plugin);
    if (!id) return std::unexpected(id.error());
    trial.provider = *id;
  }
  if (options.config_files.empty()) return trial;
  // Whatever file the configuration names for it, the one on the command line is tried.
  const auto file = std::filesystem::absolute(options.plugin);
  const auto config = worker::read_provider_config(
      options.config_files, trial.provider,
      {{"OTP_GATEWAY_APP__PLUGINS_DIR", file.parent_path().string()},
       {"OTP_GATEWAY_PROVIDERS__" + trial.provider + "__PLUGIN", file.string()}});
  if (!config)
    return std::unexpected(
        NoTrial{config.error() + (options.provider.empty() ? " (--provider=NAME names another section)" : ""),
                kExitUsage});
  const auto& section = config->providers.at(trial.provider);
  trial.config = section.plugin_config;
  trial.timeout = section.timeout;
  return trial;
}

}  // namespace otpgw::tool
