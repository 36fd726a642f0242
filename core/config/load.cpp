#include <algorithm>
#include <iterator>

#include "core/config/branding.h"
#include "core/config/check.h"
#include "core/config/config.h"
#include "core/config/environment.h"
#include "core/config/secret_files.h"
#include "core/config/section.h"
#include "core/config/sections.h"
#include "core/config/text_file.h"
#include "core/config/toml_file.h"

namespace otpgw::config {
namespace {

std::filesystem::path default_data_dir(const Sources& sources, const std::filesystem::path& folder) {
  const auto state = sources.environment.find("STATE_DIRECTORY");
  if (state == sources.environment.end() || state->second.empty()) return folder / "data";
  return state->second.substr(0, state->second.find(':'));  // systemd lists several with colons
}

Places find_places(const Sources& sources) {
  Places places;
  places.file = sources.files.front().string();
  places.folder = std::filesystem::absolute(sources.files.front()).parent_path().lexically_normal();
  places.data_dir = default_data_dir(sources, places.folder);
  places.plugins_dir = sources.plugins_dir;
  places.share_dir = sources.share_dir;
  return places;
}

Config read_all(const Sources& sources) {
  const Places places = find_places(sources);
  Node root{Table{}, {places.file, places.folder}};
  for (const auto& file : sources.files) merge(root, read_toml(file));
  apply_environment(root, sources.environment, places.folder);
  expand_credentials(root, sources.environment);

  Config config;
  const bool whole = sources.only_provider.empty() && !sources.only_data;
  if (!sources.only_data) read_secret_files(root, whole, config.warnings);
  std::ranges::move(check_keys(root), std::back_inserter(config.warnings));
  // A worker's user may not read the key.
  auto tls = whole ? read_tls(root) : std::nullopt;
  config.app = read_app(root, places, std::move(tls), config.warnings);
  config.admin = read_admin(root, config.warnings);
  config.sqlite = read_store(root, config.app, config.warnings);
  config.key_file = Section(&root, "store", "store").path_of("key_file", default_key_file(config.app));
  if (sources.only_data) return config;
  config.fallback = read_fallback(root);
  config.workers = read_workers(root);
  config.web = read_web(root);
  if (whole) {
    config.namespaces = read_namespaces(root, places, config.warnings);
    config.limits = read_limits(root, places, config.warnings);
  }
  config.providers = read_providers(root, config.app, places, sources.only_provider, config.warnings);
  return config;
}

}  // namespace

std::expected<Config, std::string> load(const Sources& sources) {
  if (sources.files.empty())
    return std::unexpected("expected a configuration file; give one with --config=FILE");
  try {
    Config config = read_all(sources);
    for (std::string& warning : config.warnings) warning = one_line(std::move(warning));
    return config;
  } catch (const Refused& refused) {
    return std::unexpected(one_line(refused.what()));
  } catch (const std::filesystem::filesystem_error& error) {
    return std::unexpected(one_line(error.what()));
  }
}

}  // namespace otpgw::config
