// What a worker needs to know to start, from either of the two ways in which it is started.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace otpgw::worker {

inline constexpr int kConnectionsMax = 1024;

struct Settings {
  std::string endpoint;  // ipc://...
  std::string provider;  // the NAME of [providers.NAME]
  std::string section;   // "config.toml:12: providers.smtp": what a complaint begins with
  std::string instance;  // of wire::Ready; empty: a random one
  std::filesystem::path plugin;
  int max_conns = 10;
  std::string plugin_config = "{}";       // JSON object, for the plug-in's create
  std::vector<std::string> secrets = {};  // those in plugin_config
};

// The one line of JSON that the core writes into the pipe of a worker that it starts:
//   {"endpoint":"ipc:///...","provider":"smtp","section":"config.toml:12: providers.smtp",
//    "instance":"9f…","plugin":"/path/smtp.so","max_conns":10,"config":{...},"secrets":[...]}
// No value of it stands in the error: it holds the provider's credentials.
[[nodiscard]] std::expected<Settings, std::string> settings_from_json(std::string_view line);

// The gateway's own configuration files, for a worker that is a unit of its own.
[[nodiscard]] std::expected<Settings, std::string> settings_from_files(
    const std::vector<std::filesystem::path>& files, const std::string& provider);

}  // namespace otpgw::worker
