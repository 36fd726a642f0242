// What load() makes of each section of a checked tree. All throw Refused, and add lines to `warnings`.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/config/tree.h"

namespace otpgw::config {

using Warnings = std::vector<std::string>;

// Where things are when the configuration doesn't say.
struct Places {
  std::string file;              // the first configuration file, for messages
  std::filesystem::path folder;  // its folder
  std::filesystem::path data_dir, plugins_dir, share_dir;
};

// Where links lead when app.root_url is not set.
[[nodiscard]] std::string default_root_url(const App& app);

// The key of codes when store.key_file is not set.
[[nodiscard]] std::filesystem::path default_key_file(const App& app);

[[nodiscard]] std::optional<Tls> read_tls(const Node& root);
[[nodiscard]] App read_app(const Node& root, const Places& places, std::optional<Tls> tls,
                           Warnings& warnings);
[[nodiscard]] Admin read_admin(const Node& root, Warnings& warnings);
[[nodiscard]] Sqlite read_store(const Node& root, const App& app, Warnings& warnings);
[[nodiscard]] Fallback read_fallback(const Node& root);
// Warns when codes may be sent to phone numbers of all countries.
[[nodiscard]] Limits read_limits(const Node& root, const Places& places, Warnings& warnings);
[[nodiscard]] Workers read_workers(const Node& root);
[[nodiscard]] std::map<std::string, Namespace, std::less<>> read_namespaces(const Node& root,
                                                                            const Places& places,
                                                                            Warnings& warnings);
// [providers.NAME] and [webhooks.NAME]. With `only` not empty, other sections than that one are passed over.
[[nodiscard]] std::map<std::string, Provider, std::less<>> read_providers(const Node& root, const App& app,
                                                                          const Places& places,
                                                                          const std::string& only,
                                                                          Warnings& warnings);

}  // namespace otpgw::config
