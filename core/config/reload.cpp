#include "core/config/reload.h"

#include <tuple>

#include "core/config/sections.h"

namespace otpgw::config {

std::vector<std::string> keep_until_restart(const Config& running, Config& fresh) {
  std::vector<std::string> kept;
  const auto keep = [&kept](const char* key, const auto& was, auto& is) {
    if (is == was) return;
    is = was;
    kept.emplace_back(key);
  };
  const bool has_root_url = fresh.app.root_url != default_root_url(fresh.app);
  auto address = std::tie(fresh.app.host, fresh.app.port);
  keep("app.address", std::tie(running.app.host, running.app.port), address);
  if (!has_root_url) fresh.app.root_url = default_root_url(fresh.app);
  auto admin = std::tie(fresh.admin.enabled, fresh.admin.host, fresh.admin.port);
  keep("admin.address", std::tie(running.admin.enabled, running.admin.host, running.admin.port), admin);
  keep("app.server_timeout", running.app.server_timeout, fresh.app.server_timeout);
  // By default it follows app.data_dir, which stays.
  if (running.key_file == default_key_file(running.app) && fresh.key_file == default_key_file(fresh.app))
    fresh.key_file = running.key_file;
  keep("app.data_dir", running.app.data_dir, fresh.app.data_dir);
  keep("store.sqlite.path", running.sqlite.path, fresh.sqlite.path);
  keep("store.key_file", running.key_file, fresh.key_file);
  keep("store.min_free", running.sqlite.min_free_bytes, fresh.sqlite.min_free_bytes);
  keep("workers.spawn", running.workers.spawn, fresh.workers.spawn);
  keep("workers.endpoint", running.workers.endpoint, fresh.workers.endpoint);
  return kept;
}

}  // namespace otpgw::config
